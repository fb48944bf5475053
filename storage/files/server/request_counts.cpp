// SPDX-License-Identifier: Apache-2.0
#include "storage/files/server/request_counts.hpp"

namespace understudy::files {
namespace {

template <typename T>
constexpr const char* name_of = nullptr;
// clang-format off
template <> constexpr const char* name_of<Tstatfs> = "statfs";
template <> constexpr const char* name_of<Tlopen> = "open";
template <> constexpr const char* name_of<Tlcreate> = "create";
template <> constexpr const char* name_of<Tsymlink> = "symlink";
template <> constexpr const char* name_of<Tmknod> = "mknod";
template <> constexpr const char* name_of<Trename> = "rename";
template <> constexpr const char* name_of<Treadlink> = "readlink";
template <> constexpr const char* name_of<Tgetattr> = "getattr";
template <> constexpr const char* name_of<Tsetattr> = "setattr";
template <> constexpr const char* name_of<Txattrwalk> = "xattrwalk";
template <> constexpr const char* name_of<Txattrcreate> = "xattrcreate";
template <> constexpr const char* name_of<Treaddir> = "readdir";
template <> constexpr const char* name_of<Tfsync> = "fsync";
template <> constexpr const char* name_of<Tlock> = "lock";
template <> constexpr const char* name_of<Tgetlock> = "getlock";
template <> constexpr const char* name_of<Tlink> = "link";
template <> constexpr const char* name_of<Tmkdir> = "mkdir";
template <> constexpr const char* name_of<Trenameat> = "renameat";
template <> constexpr const char* name_of<Tunlinkat> = "unlinkat";
template <> constexpr const char* name_of<Tattach> = "attach";
template <> constexpr const char* name_of<Twalk> = "walk";
template <> constexpr const char* name_of<Tread> = "read";
template <> constexpr const char* name_of<Twrite> = "write";
template <> constexpr const char* name_of<Tclunk> = "clunk";
template <> constexpr const char* name_of<Tremove> = "remove";
// clang-format on

template <std::size_t... Places>
constexpr std::array<const char*, sizeof...(Places)> names(std::index_sequence<Places...>) {
    return {name_of<std::variant_alternative_t<Places, Body>>...};
}

}  // namespace

const char* request_name(std::size_t kind) {
    static constexpr auto all = names(std::make_index_sequence<std::variant_size_v<Body>>());
    return kind < all.size() ? all[kind] : nullptr;
}

}  // namespace understudy::files
