// SPDX-License-Identifier: Apache-2.0
#include "storage/files/server/file_requests.hpp"

#include <algorithm>
#include <cerrno>

namespace understudy::files {
namespace {

template <typename Request>
Request limited(Request request, std::uint32_t data_limit) {
    request.count = std::min(request.count, data_limit);
    return request;
}

}  // namespace

FileFids fids_of(const Body& request) {
    return std::visit(
        [](const auto& it) -> FileFids {
            if constexpr (requires {
                              it.old_fid;
                              it.new_fid;
                          })
                return {it.old_fid, it.new_fid};
            else if constexpr (requires {
                                   it.fid;
                                   it.directory_fid;
                               })
                return {it.fid, it.directory_fid};
            else if constexpr (requires { it.fid; })
                return {it.fid, {}};
            else
                return {};
        },
        request);
}

Body answer_file_request(const HostFile& file, const HostFile* to, const Body& request,
                         std::uint32_t data_limit) {
    if (file.is_attribute && !std::holds_alternative<Tread>(request)) return failure(EBADF);
    return std::visit(
        [&](const auto& it) -> Body {
            using T = std::decay_t<decltype(it)>;
            if constexpr (std::is_same_v<T, Tread>) {
                return read_file(file, limited(it, data_limit));
            } else if constexpr (std::is_same_v<T, Treaddir>) {
                return read_directory(file, limited(it, data_limit));
            } else if constexpr (std::is_same_v<T, Twrite>) {
                return write_file(file, it);
            } else if constexpr (std::is_same_v<T, Tfsync>) {
                return sync_file(file, it);
            } else if constexpr (std::is_same_v<T, Tgetattr>) {
                return get_attributes(file);
            } else if constexpr (std::is_same_v<T, Tsetattr>) {
                return set_attributes(file, it);
            } else if constexpr (std::is_same_v<T, Tstatfs>) {
                return file_system_status(file);
            } else if constexpr (std::is_same_v<T, Tmkdir>) {
                return make_directory(file, it);
            } else if constexpr (std::is_same_v<T, Tsymlink>) {
                return make_symlink(file, it);
            } else if constexpr (std::is_same_v<T, Tmknod>) {
                return make_node(file, it);
            } else if constexpr (std::is_same_v<T, Tlink>) {
                return make_link(*to, file, it.name);
            } else if constexpr (std::is_same_v<T, Treadlink>) {
                return read_link(file);
            } else if constexpr (std::is_same_v<T, Tunlinkat>) {
                return unlink_at(file, it.name, it.flags);
            } else if constexpr (std::is_same_v<T, Trenameat>) {
                return rename_at(file, it.old_name, *to, it.new_name);
            } else if constexpr (std::is_same_v<T, Trename>) {
                return rename_file(file, *to, it.name);
            } else if constexpr (std::is_same_v<T, Tremove>) {
                return remove_file(file);
            } else {
                return failure(EOPNOTSUPP);
            }
        },
        request);
}

}  // namespace understudy::files
