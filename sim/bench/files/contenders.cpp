// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/files/contenders.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/io/clock.hpp"
#include "sim/bench/core/mounts.hpp"
#include "sim/bench/files/ganesha.hpp"
#include "sim/bench/files/local_fuse.hpp"
#include "sim/bench/files/ssh.hpp"
#include "sim/bench/in_child.hpp"
#include "sim/bench/peers.hpp"
#include "sim/bench/sockets.hpp"

namespace understudy::bench {
namespace {

constexpr Duration file_server_start_limit = 20s;
constexpr std::uint16_t own_port = 564;
constexpr std::uint16_t ssh_port = 22;
constexpr std::uint16_t sftp_port = 2222;

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

bool accepts(Endpoint target) {
    const io::UniqueFd connection(begin_connect(target));
    if (!connection.valid()) return false;
    pollfd waiting{connection.get(), POLLOUT, 0};
    ::poll(&waiting, 1, 100);
    int failure = 0;
    socklen_t size = sizeof(failure);
    ::getsockopt(connection.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
    return (waiting.revents & POLLOUT) != 0 && failure == 0;
}

Result<void> wait_until_it_accepts(const Rig& rig, std::uint16_t port, const std::string& log) {
    UNDERSTUDY_TRY(const auto address, parse_address(file_server_address));
    const Instant end = io::monotonic_now() + file_server_start_limit;
    bool accepted = false;
    rig.inside(file_server_host, [&] {
        while (!(accepted = accepts({address, port})) && io::monotonic_now() < end)
            std::this_thread::sleep_for(10ms);
    });
    if (accepted) return {};
    return Error(ErrorKind::timeout, fmt::format("{}:{}", file_server_address, port),
                 fmt::format("took no connection within {}: {}", format_duration(file_server_start_limit),
                             last_line(log)));
}

class Starter {
  public:
    Starter(Rig& rig, const FileContenderOptions& options) : rig_(rig), options_(options) {}

    Result<std::vector<FileContender>> run() {
        std::vector<FileContender> contenders;
        for (const ContenderDescription& each : file_contenders()) {
            if (!wanted(each.name)) continue;
            FileContender contender{each.name, options_.store + "/" + each.name, {}, {}};
            if (::mkdir(contender.folder.c_str(), 0755) != 0) return system_error(contender.folder, errno);
            if (each.name == "ours")
                UNDERSTUDY_CHECK(start_ours(contender));
            else if (each.name == "local_fuse")
                start_local(contender);
            else if (each.name == "nfs_ganesha")
                start_nfs(contender);
            else
                UNDERSTUDY_CHECK(start_sshfs(contender));
            contenders.push_back(std::move(contender));
        }
        return contenders;
    }

  private:
    bool wanted(const std::string& name) const {
        return std::find(options_.names.begin(), options_.names.end(), name) != options_.names.end();
    }
    std::string log_of(const std::string& server) const { return options_.logs + "/" + server + ".log"; }

    Result<void> start_ours(FileContender& contender) {
        UNDERSTUDY_TRY(const auto config,
                       write_file(options_.scratch + "/files.yaml",
                                  fmt::format("listen: {}:{}\nexports:\n  bench: {{path: {}}}\n",
                                              file_server_address, own_port, contender.folder)));
        const std::string log = log_of("understudy-files");
        UNDERSTUDY_CHECK(rig_.run(file_server_host, any_processor,
                                  {{options_.programs + "/understudy-files", "--config", config}}, log));
        UNDERSTUDY_CHECK(wait_until_it_accepts(rig_, own_port, log));
        contender.mount = [&rig = rig_, programs = options_.programs](const std::string& host,
                                                                      const std::string& where,
                                                                      const std::string& mount_log) {
            return rig.run(host, any_processor,
                           {{programs + "/understudy-mount", "--server",
                             fmt::format("{}:{}", file_server_address, own_port), "--export", "bench",
                             "--client", host, where}},
                           mount_log);
        };
        return {};
    }

    void start_local(FileContender& contender) {
        contender.mount = [&rig = rig_, folder = contender.folder](const std::string& host,
                                                                   const std::string& where,
                                                                   const std::string& mount_log) {
            return rig.fork_inside(
                host, any_processor, [&] { return serve_local_fuse(folder, where); }, mount_log);
        };
    }

    Result<void> start_sshfs(FileContender& contender) {
        UNDERSTUDY_TRY(const auto root, root_of_peers(options_.peers, ssh_programs(), "sshfs, openssh-server",
                                                      "run './dev bench files', which fetches them"));
        const SshPlace place{root, options_.scratch, file_server_host, file_server_address};
        if (!accounts_made_) UNDERSTUDY_CHECK(make_accounts(options_.scratch));
        accounts_made_ = true;
        const std::string at_server = fmt::format("{}:{}", file_server_address, contender.folder);
        std::vector<std::string> argv{root + "/usr/bin/sshfs", "-f"};
        if (contender.name == "sshfs_unencrypted") {
            UNDERSTUDY_CHECK(start_sftp_listener(rig_, place, sftp_port));
            argv.insert(argv.end(), {"-o", fmt::format("directport={}", sftp_port), at_server});
        } else {
            if (ssh_config_.empty()) {
                UNDERSTUDY_TRY(ssh_config_, start_sshd(rig_, place, log_of("sshd")));
                UNDERSTUDY_CHECK(wait_until_it_accepts(rig_, ssh_port, log_of("sshd")));
            }
            argv.insert(argv.end(), {"-o", "ssh_command=" + root + "/usr/bin/ssh", "-F", ssh_config_,
                                     fmt::format("{}@{}", ssh_user, at_server)});
        }
        if (contender.name == "sshfs_uncached")
            argv.insert(argv.end(), {"-o", "dir_cache=no,attr_timeout=0,entry_timeout=0,negative_timeout=0"});
        contender.mount = [&rig = rig_, root, argv](const std::string& host, const std::string& where,
                                                    const std::string& mount_log) {
            Command command{argv, libraries_of_peers(root)};
            command.argv.push_back(where);
            return rig.run(host, any_processor, command, mount_log);
        };
        return {};
    }

    // Needs what few machines have: the others are compared without it.
    void start_nfs(FileContender& contender) {
        const std::string log = log_of("ganesha");
        auto started = can_mount_nfs(contender.folder);
        if (started.has_value())
            started = start_ganesha(rig_, file_server_host,
                                    {options_.peers, options_.scratch, contender.folder}, log);
        if (started.has_value()) started = wait_until_it_accepts(rig_, nfs_port, log);
        if (started.has_error()) contender.why_not = started.error().message();
        contender.mount = [&rig = rig_](const std::string& host, const std::string& where,
                                        const std::string& mount_log) {
            return mount_ganesha(rig, host, file_server_address, where, mount_log);
        };
    }

    Rig& rig_;
    const FileContenderOptions& options_;
    bool accounts_made_ = false;
    std::string ssh_config_;
};

}  // namespace

const std::vector<ContenderDescription>& file_contenders() {
    static const std::vector<ContenderDescription> all{
        {"ours", "understudy-files and understudy-mount: as they come"},
        {"sshfs",
         "sshfs over ssh with OpenSSH's own cipher, all as it comes: names and attributes are kept for "
         "20 s by sshfs and 1 s by the kernel, data in the page cache; writes are sent ahead"},
        {"sshfs_uncached", "the same, names and attributes not kept (dir_cache=no, timeouts of 0)"},
        {"sshfs_unencrypted", "as sshfs, but straight to sftp-server over TCP, without ssh (directport)"},
        {"nfs_ganesha",
         "NFS 4.2 from NFS-Ganesha, mounted by the kernel: names and attributes are kept for 3 s to 60 s, "
         "data in "
         "the page cache until another host has opened it"},
        {"local_fuse", "the limit: a FUSE file system over the server's folder, no network, nothing kept"}};
    return all;
}

Result<std::vector<FileContender>> start_file_servers(Rig& rig, const FileContenderOptions& options) {
    return Starter(rig, options).run();
}

Result<void> mount_at(const FileContender& contender, const std::string& host, const std::string& where,
                      const std::string& log) {
    std::error_code failure;
    std::filesystem::create_directories(where, failure);
    if (failure) return system_error(where, failure.value());
    UNDERSTUDY_TRY(const pid_t client, contender.mount(host, where, log));
    const Instant end = io::monotonic_now() + file_server_start_limit;
    while (mounted_type(text_of("/proc/self/mountinfo"), where).empty()) {
        if (::waitpid(client, nullptr, WNOHANG) != 0)
            return Error(ErrorKind::failed, contender.name, "its client has ended: " + last_line(log));
        if (io::monotonic_now() > end)
            return Error(ErrorKind::timeout, contender.name,
                         fmt::format("was not mounted within {}: {}",
                                     format_duration(file_server_start_limit), last_line(log)));
        std::this_thread::sleep_for(10ms);
    }
    // The kernel takes the root folder for user 0's until it has asked, and in a user namespace that has none
    // refuses all that would change it.
    const auto asked = in_child(file_server_start_limit, [&]() -> Result<double> {
        struct stat status = {};
        if (::stat(where.c_str(), &status) != 0) return system_error(where, errno);
        return 1;
    });
    if (asked.has_error()) return asked.error();
    return {};
}

}  // namespace understudy::bench
