// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/files/ssh.hpp"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/bench/peers.hpp"
#include "sim/bench/sockets.hpp"

namespace understudy::bench {
namespace {

constexpr const char* sshd = "/usr/sbin/sshd";
constexpr const char* sftp_server = "/usr/lib/openssh/sftp-server";
constexpr const char* keygen = "/usr/bin/ssh-keygen";

Result<std::string> read_file(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) return Error(ErrorKind::failed, path, "cannot be read");
    return text.str();
}

Result<void> make_key(const Rig& rig, const SshPlace& place, const std::string& path) {
    const std::string log = path + ".log";
    UNDERSTUDY_TRY(const pid_t process,
                   rig.run(place.host, any_processor,
                           {{place.root + keygen, "-q", "-t", "ed25519", "-N", "", "-f", path},
                            libraries_of_peers(place.root)},
                           log));
    int status = 0;
    ::waitpid(process, &status, 0);
    if (status != 0) return Error(ErrorKind::failed, "ssh-keygen", last_line(log)).with_number(status);
    return {};
}

Result<void> cover(const std::string& file, const std::string& text, const std::string& folder) {
    UNDERSTUDY_TRY(const auto own,
                   write_file(folder + "/" + std::filesystem::path(file).filename().string(), text));
    if (::mount(own.c_str(), file.c_str(), nullptr, MS_BIND, nullptr) != 0)
        return system_error("covering " + file, errno, ErrorKind::environment);
    return {};
}

}  // namespace

const std::vector<std::string>& ssh_programs() {
    static const std::vector<std::string> programs{sshd, sftp_server, keygen, "/usr/bin/ssh",
                                                   "/usr/bin/sshfs"};
    return programs;
}

Result<void> make_accounts(const std::string& folder) {
    UNDERSTUDY_CHECK(cover("/etc/passwd",
                           fmt::format("{}:x:{}:{}:bench:{}:/bin/sh\n"
                                       "sshd:x:65533:65534:sshd:/run/sshd:/usr/sbin/nologin\n",
                                       ssh_user, ::geteuid(), ::getegid(), folder),
                           folder));
    // An account without a password that isn't locked.
    UNDERSTUDY_CHECK(cover("/etc/shadow", fmt::format("{}:*:19000:0:99999:7:::\n", ssh_user), folder));
    if (::mkdir("/run/sshd", 0755) != 0) return system_error("/run/sshd", errno);
    return {};
}

Result<std::string> start_sshd(const Rig& rig, const SshPlace& place, const std::string& log) {
    const std::string& folder = place.folder;
    for (const char* key : {"host_key", "user_key"})
        UNDERSTUDY_CHECK(make_key(rig, place, folder + "/" + key));
    UNDERSTUDY_TRY(const auto host_key, read_file(folder + "/host_key.pub"));
    UNDERSTUDY_CHECK(write_file(folder + "/known_hosts", place.address + " " + host_key));
    UNDERSTUDY_TRY(
        const auto server,
        write_file(folder + "/sshd_config",
                   fmt::format("ListenAddress {1}:22\nHostKey {0}/host_key\n"
                               "AuthorizedKeysFile {0}/user_key.pub\nPidFile none\nStrictModes no\n"
                               "UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
                               "PermitRootLogin prohibit-password\nSubsystem sftp {2}{3}\n",
                               folder, place.address, place.root, sftp_server)));
    UNDERSTUDY_CHECK(rig.run(place.host, any_processor,
                             {{place.root + sshd, "-D", "-e", "-f", server}, libraries_of_peers(place.root)},
                             log));
    // Everything beside is as OpenSSH has it: the cipher too.
    return write_file(
        folder + "/ssh_config",
        fmt::format("IdentityFile {0}/user_key\nIdentitiesOnly yes\nUserKnownHostsFile {0}/known_hosts\n"
                    "StrictHostKeyChecking yes\nBatchMode yes\nConnectionAttempts 10\n",
                    folder));
}

Result<void> start_sftp_listener(const Rig& rig, const SshPlace& place, std::uint16_t port) {
    io::UniqueFd listener;
    int failure = 0;
    rig.inside(place.host, [&] {
        listener.reset(listen_on(port, 0));
        failure = errno;
    });
    if (!listener.valid()) return system_error(fmt::format("port {}", port), failure);
    const std::string program = place.root + sftp_server;
    UNDERSTUDY_CHECK(rig.fork_inside(place.host, any_processor, [&] {
        ::signal(SIGCHLD, SIG_IGN);
        while (true) {
            const int accepted = ::accept(listener.get(), nullptr, nullptr);
            if (accepted < 0) return 1;
            if (::fork() == 0) {
                const int on = 1;
                ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
                ::dup2(accepted, STDIN_FILENO);
                ::dup2(accepted, STDOUT_FILENO);
                ::execl(program.c_str(), program.c_str(), nullptr);
                ::_exit(127);
            }
            ::close(accepted);
        }
    }));
    return {};
}

}  // namespace understudy::bench
