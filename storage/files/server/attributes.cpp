// SPDX-License-Identifier: Apache-2.0
#include "storage/files/server/attributes.hpp"

#include <linux/limits.h>
#include <sys/xattr.h>

#include <cerrno>
#include <optional>

#include "storage/files/server/host_places.hpp"

namespace understudy::files {
namespace {

constexpr std::string_view clients_space = "user.";

bool is_clients_attribute(const std::string& name) {
    return name.starts_with(clients_space) && !name.starts_with(own_attributes);
}

Body list_attributes(const HostFile& file, std::string& value) {
    std::string names(XATTR_LIST_MAX, '\0');
    const ssize_t length = ::listxattr(proc_path(file.place.get()).c_str(), names.data(), names.size());
    if (length < 0 && errno == EOPNOTSUPP) return Rxattrwalk{0};  // a file system without any
    if (length < 0) return failure(errno);
    names.resize(static_cast<std::size_t>(length));
    value.clear();
    for (std::size_t at = 0; at < names.size();) {
        const std::string name = names.c_str() + at;
        if (is_clients_attribute(name)) value.append(name.c_str(), name.size() + 1);
        at += name.size() + 1;
    }
    return Rxattrwalk{value.size()};
}

}  // namespace

Body read_attribute(const HostFile& file, const std::string& name, std::string& value) {
    if (name.empty()) return list_attributes(file, value);
    if (name.size() > XATTR_NAME_MAX) return failure(ERANGE);
    if (!is_clients_attribute(name)) return failure(name.starts_with(own_attributes) ? ENODATA : EOPNOTSUPP);
    value.resize(XATTR_SIZE_MAX);
    const ssize_t length =
        ::getxattr(proc_path(file.place.get()).c_str(), name.c_str(), value.data(), value.size());
    if (length < 0) return failure(errno);
    value.resize(static_cast<std::size_t>(length));
    return Rxattrwalk{value.size()};
}

Body begin_attribute(const Txattrcreate& request, std::shared_ptr<const HostFile> file,
                     AttributeWrite& write) {
    if (file->is_attribute || file->opened.valid()) return failure(EINVAL);
    if (request.name.empty() || request.name.size() > XATTR_NAME_MAX) return failure(ERANGE);
    if (request.size > XATTR_SIZE_MAX) return failure(E2BIG);
    if ((request.flags & ~static_cast<std::uint32_t>(XATTR_CREATE | XATTR_REPLACE)) != 0)
        return failure(EINVAL);
    if (!request.name.starts_with(clients_space)) return failure(EOPNOTSUPP);
    write = {std::move(file), request.name, request.size, request.flags, {}};
    return Rxattrcreate{};
}

Body append_attribute(const Twrite& request, AttributeWrite& write) {
    const std::string& data = request.data.value;
    if (request.offset != write.value.size()) return failure(EINVAL);
    if (write.value.size() + data.size() > write.size) return failure(ENOSPC);
    write.value += data;
    return Rwrite{static_cast<std::uint32_t>(data.size())};
}

Body commit_attribute(const AttributeWrite& write) {
    if (write.value.size() != write.size) return failure(EINVAL);
    const std::string path = proc_path(write.file->place.get());
    const NamesHeld names(*write.file->share);
    std::optional<std::string> before;
    if (names.undo() != nullptr) {
        std::string held(XATTR_SIZE_MAX, '\0');
        const ssize_t length = ::getxattr(path.c_str(), write.name.c_str(), held.data(), held.size());
        if (length >= 0) before = held.substr(0, static_cast<std::size_t>(length));
    }
    const bool removes = write.size == 0 && write.flags == XATTR_REPLACE;
    const int done = removes ? ::removexattr(path.c_str(), write.name.c_str())
                             : ::setxattr(path.c_str(), write.name.c_str(), write.value.data(),
                                          write.value.size(), static_cast<int>(write.flags));
    if (done != 0) return failure(errno);
    if (names.undo() != nullptr)
        names.undo()->attribute_changed(write.file->place.get(), write.name, std::move(before));
    return Rclunk{};
}

}  // namespace understudy::files
