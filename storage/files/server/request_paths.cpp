// SPDX-License-Identifier: Apache-2.0
#include "storage/files/server/request_paths.hpp"

#include <fcntl.h>

#include <type_traits>

#include "storage/files/server/file_requests.hpp"

namespace understudy::files {
namespace {

std::string below(std::string path, const std::string& name) {
    if (!path.ends_with('/')) path += '/';
    return path + name;
}

template <typename T, typename... Any>
constexpr bool is_one_of = (std::is_same_v<T, Any> || ...);

bool needs_space(const Body& request) {
    return std::visit(
        [](const auto& it) {
            using T = std::decay_t<decltype(it)>;
            if constexpr (std::is_same_v<T, Tsetattr>)
                return (it.valid & setattr_size) != 0;
            else
                return is_one_of<T, Twrite, Tfsync, Tlcreate, Tmkdir, Tsymlink, Tmknod, Tlink, Txattrcreate>;
        },
        request);
}

}  // namespace

bool changes_files(const Body& request) {
    return std::visit(
        [](const auto& it) {
            using T = std::decay_t<decltype(it)>;
            if constexpr (std::is_same_v<T, Tlopen>)
                return (it.flags & (O_ACCMODE | O_TRUNC)) != 0;
            else
                return is_one_of<T, Twrite, Tsetattr, Tlcreate, Tmkdir, Tsymlink, Tmknod, Tlink, Trename,
                                 Trenameat, Tunlinkat, Tremove, Txattrcreate>;
        },
        request);
}

std::size_t written_bytes(const Body& request) {
    const auto* write = std::get_if<Twrite>(&request);
    return write == nullptr ? 0 : write->data.value.size();
}

std::optional<JudgedRequest> judged_request(const Body& request, std::string client,
                                            const std::function<std::string(std::uint32_t)>& path_of) {
    const FileFids fids = fids_of(request);
    if (!fids.file || std::holds_alternative<Tauth>(request) || std::holds_alternative<Tattach>(request) ||
        std::holds_alternative<Tclunk>(request))
        return std::nullopt;
    JudgedRequest judged;
    judged.client = std::move(client);
    judged.path = path_of(*fids.file);
    judged.changes = changes_files(request);
    judged.needs_space = needs_space(request);
    if (fids.to) judged.other_path = path_of(*fids.to);
    std::visit(
        [&](const auto& it) {
            using T = std::decay_t<decltype(it)>;
            if constexpr (is_one_of<T, Tlcreate, Tmkdir, Tsymlink, Tmknod, Tunlinkat>)
                judged.path = below(judged.path, it.name);
            if constexpr (is_one_of<T, Tlink, Trename>) judged.other_path = below(judged.other_path, it.name);
            if constexpr (std::is_same_v<T, Trenameat>) {
                judged.path = below(judged.path, it.old_name);
                judged.other_path = below(judged.other_path, it.new_name);
            }
            if constexpr (std::is_same_v<T, Twalk>)
                for (const std::string& name : it.names) judged.path = below(judged.path, name);
            if constexpr (std::is_same_v<T, Twrite>) judged.bytes = it.data.value.size();
            if constexpr (is_one_of<T, Tread, Treaddir>) judged.bytes = it.count;
        },
        request);
    return judged;
}

}  // namespace understudy::files
