// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/files/ganesha.hpp"

#include <fmt/format.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sim/bench/peers.hpp"

namespace understudy::bench {
namespace {

constexpr const char* program = "/usr/bin/ganesha.nfsd";
constexpr const char* plugins = "/usr/lib/x86_64-linux-gnu/ganesha";

}  // namespace

Result<void> can_mount_nfs(const std::string& place) {
    // Without options it is refused in any case; how says whether anyone knows the type.
    ::mount("none", place.c_str(), "nfs4", 0, "");
    if (errno == ENODEV)
        return Error(ErrorKind::environment, "NFS",
                     "this kernel has no client for it (file system type nfs4)");
    if (errno == EPERM) return Error(ErrorKind::environment, "NFS", "an ordinary user may not mount it");
    return {};
}

Result<void> start_ganesha(const Rig& rig, const std::string& host, const GaneshaPlace& place,
                           const std::string& log) {
    UNDERSTUDY_TRY(
        const auto root,
        root_of_peers(place.peers, {program, std::string(plugins) + "/libfsalvfs.so"},
                      "nfs-ganesha, nfs-ganesha-vfs", "run './dev bench files', which fetches them"));
    // Numbers for owners and no grace period: nobody was there before the start.
    UNDERSTUDY_TRY(
        const auto config,
        write_file(place.scratch + "/ganesha.conf",
                   fmt::format("NFS_CORE_PARAM {{ Protocols = 4; NFS_Port = {}; Enable_NLM = false;\n"
                               "  Enable_RQUOTA = false; Plugins_Dir = \"{}{}\"; }}\n"
                               "NFSv4 {{ Graceless = true; RecoveryBackend = fs; RecoveryRoot = \"{}\";\n"
                               "  UseGetpwnam = true; Only_Numeric_Owners = true; }}\n"
                               "NFS_KRB5 {{ Active_krb5 = false; }}\n"
                               "EXPORT {{ Export_Id = 1; Path = {}; Pseudo = /bench; Access_Type = RW;\n"
                               "  Squash = None; SecType = sys; Protocols = 4; Transports = TCP; FSAL {{ "
                               "Name = VFS; }} }}\n",
                               nfs_port, root, plugins, place.scratch, place.folder)));
    const std::string libraries =
        root.empty() ? "" : libraries_of_peers(root) + ":" + root + "/usr/lib/ganesha";
    UNDERSTUDY_CHECK(rig.run(host, any_processor,
                             {{root + program, "-F", "-L", "STDERR", "-N", "WARN", "-f", config, "-p",
                               place.scratch + "/ganesha.pid"},
                              libraries},
                             log));
    return {};
}

Result<pid_t> mount_ganesha(const Rig& rig, const std::string& host, const std::string& server,
                            const std::string& where, const std::string& log) {
    const auto mount = [&] {
        const std::string source = server + ":/bench";
        const std::string options = fmt::format("vers=4.2,proto=tcp,port={},addr={}", nfs_port, server);
        if (::mount(source.c_str(), where.c_str(), "nfs4", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
            fmt::print(stderr, "mount {}: {} ({})\n", source, std::strerror(errno), errno);
            return 1;
        }
        while (true) ::pause();
    };
    return rig.fork_inside(host, any_processor, mount, log);
}

}  // namespace understudy::bench
