// SPDX-License-Identifier: Apache-2.0
// What tests of regions run in hosts. `answer PORT NAME`: in the background, answers each TCP connection with
// "NAME from PEER to LOCAL". `ask PORT ADDRESS`: prints what is answered there; exit status 1 when nothing is
// within two seconds.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

sockaddr_in endpoint(const char* address, int port) {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    ::inet_pton(AF_INET, address, &made.sin_addr);
    made.sin_port = htons(static_cast<std::uint16_t>(port));
    return made;
}

std::string text_of(const sockaddr_in& of) {
    std::array<char, INET_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET, &of.sin_addr, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), ntohs(of.sin_port));
}

// Ends with its host.
int answer(const char* host, int port) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in any = endpoint("0.0.0.0", port);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 ||
        ::listen(listener, 64) != 0)
        return 1;
    if (::daemon(1, 0) != 0) return 1;
    while (true) {
        sockaddr_in peer{};
        sockaddr_in local{};
        socklen_t size = sizeof peer;
        const int made = ::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC);
        if (made < 0) continue;
        size = sizeof local;
        ::getsockname(made, reinterpret_cast<sockaddr*>(&local), &size);
        const std::string line = fmt::format("{} from {} to {}\n", host, text_of(peer), text_of(local));
        [[maybe_unused]] const ssize_t sent = ::send(made, line.data(), line.size(), MSG_NOSIGNAL);
        ::close(made);
    }
}

int ask(const char* address, int port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{2, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const sockaddr_in to = endpoint(address, port);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return 1;
    std::array<char, 256> line{};
    const ssize_t size = ::recv(fd, line.data(), line.size(), MSG_WAITALL);
    if (size <= 0) return 1;
    fmt::print("{}", std::string_view(line.data(), static_cast<std::size_t>(size)));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc == 4 ? argv[1] : "";
    if (what == "answer") return answer(argv[3], std::atoi(argv[2]));
    if (what == "ask") return ask(argv[3], std::atoi(argv[2]));
    return 2;
}
