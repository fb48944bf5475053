// SPDX-License-Identifier: Apache-2.0
// Process 1 of the guests that the tests boot: inserts the modules the image lists, says "up" with the
// seconds since the kernel started and the name of its NIC over the agent channel, then answers each line:
// "ping" with "pong", "exit" by ending, which makes the kernel panic. Statically linked and without
// allocation, so that the guest's boot is all that is measured.
#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace {

std::string read_file(const char* path) {
    std::string text;
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return text;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(got));
    ::close(fd);
    return text;
}

void insert_modules() {
    const std::string list = read_file("/etc/understudy/modules");
    for (std::size_t at = 0; at < list.size();) {
        const std::size_t end = list.find('\n', at);
        const std::string path = list.substr(at, end - at);
        at = end == std::string::npos ? list.size() : end + 1;
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0 || ::syscall(SYS_finit_module, fd, "", 0) != 0) std::perror(path.c_str());
        if (fd >= 0) ::close(fd);
    }
}

// The port named by the hypervisor, as the device node the kernel made for it.
int open_agent_channel() {
    for (int attempt = 0; attempt < 1000; ++attempt, ::usleep(10'000)) {
        DIR* ports = ::opendir("/sys/class/virtio-ports");
        if (ports == nullptr) continue;
        int channel = -1;
        while (const dirent* entry = ::readdir(ports)) {
            const std::string port = entry->d_name;
            if (read_file(("/sys/class/virtio-ports/" + port + "/name").c_str()) != "org.understudy.agent\n")
                continue;
            channel = ::open(("/dev/" + port).c_str(), O_RDWR | O_CLOEXEC);
        }
        ::closedir(ports);
        if (channel >= 0) return channel;
    }
    return -1;
}

void say(int channel, const std::string& line) {
    if (::write(channel, line.data(), line.size()) < 0) std::perror("agent channel");
}

}  // namespace

int main() {
    ::mount("proc", "/proc", "proc", 0, nullptr);
    ::mount("sysfs", "/sys", "sysfs", 0, nullptr);
    ::mount("devtmpfs", "/dev", "devtmpfs", 0, nullptr);
    const int console = ::open("/dev/console", O_RDWR);
    for (int fd = 0; console >= 0 && fd < 3; ++fd) ::dup2(console, fd);
    const std::string before = read_file("/proc/uptime");
    insert_modules();
    const int channel = open_agent_channel();
    const std::string uptime = read_file("/proc/uptime");
    struct stat fuse {};
    const bool has_fuse = ::stat("/dev/fuse", &fuse) == 0;
    const std::string mac = read_file("/sys/class/net/eth0/address");
    say(channel, "up " + uptime.substr(0, uptime.find(' ')) + " init " + before.substr(0, before.find(' ')) +
                     " mac " + mac.substr(0, mac.find('\n')) + (has_fuse ? " fuse" : "") + "\n");
    std::string line;
    for (char byte = 0;;) {
        const ssize_t got = ::read(channel, &byte, 1);
        if (got <= 0) {  // no one at the other end
            ::usleep(20'000);
            continue;
        }
        if (byte != '\n') {
            line += byte;
            continue;
        }
        if (line == "ping") say(channel, "pong\n");
        if (line == "exit") return 0;
        line.clear();
    }
}
