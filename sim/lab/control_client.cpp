// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/control_client.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/io/clock.hpp"
#include "base/io/unix_socket.hpp"
#include "base/json_text.hpp"
#include "sim/lab/region_directory.hpp"

namespace understudy::lab {
namespace {

constexpr std::size_t longest_line = 64 << 20;

}  // namespace

Result<ControlClient> ControlClient::connect(const std::string& region_name) {
    const RegionDirectory directory(region_name);
    const auto not_running = [&] {
        return Error(ErrorKind::failed, fmt::format("region {}", region_name), "is not running")
            .with_remedy("start it with 'understudy up'; 'understudy status --all' lists what runs");
    };
    const std::string path = directory.control_socket().string();
    auto connected = io::connect_unix(path);
    if (connected.has_error()) return not_running();
    io::UniqueFd socket = std::move(*connected);
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return system_error(path, errno);
    return ControlClient(std::move(socket), region_name, peer.pid);
}

Result<void> ControlClient::send(const json::object& line) {
    const std::string bytes = json::serialize(line) + "\n";
    for (std::size_t sent = 0; sent < bytes.size();) {
        const ssize_t count = ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_error(fmt::format("region {}", region_name_), errno);
        sent += static_cast<std::size_t>(count);
    }
    return {};
}

void ControlClient::tell(const json::object& line) {
    static_cast<void>(send(line));
}

Result<std::optional<json::object>> ControlClient::next_line(Duration limit) {
    const Instant end = io::monotonic_now() + limit;
    for (std::size_t searched = 0;;) {
        const std::size_t newline = buffer_.find('\n', searched);
        if (newline != std::string::npos) {
            boost::system::error_code failure;
            json::value value = json::parse(json::string_view(buffer_.data(), newline), failure);
            buffer_.erase(0, newline + 1);
            if (failure || !value.is_object())
                return Error(ErrorKind::failed, fmt::format("region {}", region_name_),
                             "sent a line that is no JSON object");
            return std::optional(std::move(value.get_object()));
        }
        searched = buffer_.size();
        if (searched > longest_line)
            return Error(ErrorKind::failed, fmt::format("region {}", region_name_),
                         "sent a line without an end");
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - io::monotonic_now()).count();
        if (left <= 0) return std::optional<json::object>();
        pollfd ready{socket_.get(), POLLIN, 0};
        if (::poll(&ready, 1, static_cast<int>(std::min<long>(left, 1'000'000))) <= 0) continue;
        char bytes[65536];
        const ssize_t count = ::read(socket_.get(), bytes, sizeof(bytes));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0)
            return Error(ErrorKind::failed, fmt::format("region {}", region_name_),
                         "ended while it was being asked");
        buffer_.append(bytes, static_cast<std::size_t>(count));
    }
}

Result<json::object> ControlClient::request(const json::object& line, Duration limit) {
    UNDERSTUDY_CHECK(send(line));
    UNDERSTUDY_TRY(auto answer, next_line(limit));
    if (!answer)
        return Error(
            ErrorKind::timeout, fmt::format("region {}", region_name_),
            fmt::format("did not answer '{}' within {}", text_of(line, "command"), format_duration(limit)));
    const auto* ok = answer->if_contains("ok");
    if (ok == nullptr || !ok->is_bool() || !ok->get_bool()) return error_from_json(*answer);
    return std::move(*answer);
}

json::object to_json(const Error& error) {
    json::object answer{{"ok", false},
                        {"kind", exit_status(error.kind)},
                        {"subject", error.subject},
                        {"reason", error.reason},
                        {"remedy", error.remedy}};
    if (error.number) answer["number"] = *error.number;
    return answer;
}

Error error_from_json(const json::object& answer) {
    const auto* kind = answer.if_contains("kind");
    ErrorKind known = ErrorKind::failed;
    for (const ErrorKind candidate : {ErrorKind::bad_input, ErrorKind::environment, ErrorKind::timeout})
        if (kind != nullptr && kind->is_int64() && kind->get_int64() == exit_status(candidate))
            known = candidate;
    Error error(known, text_of(answer, "subject"), text_of(answer, "reason"));
    error.remedy = text_of(answer, "remedy");
    if (const auto* number = answer.if_contains("number"); number != nullptr && number->is_int64())
        error.number = number->get_int64();
    return error;
}

std::string base64_encode(std::string_view bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

Result<std::string> base64_decode(std::string_view text) {
    std::string bytes(text.size() / 4 * 3 + 1, '\0');
    const int size =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (size < 0) return Error(ErrorKind::bad_input, "stream data", "is not base64");
    std::size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
    bytes.resize(static_cast<std::size_t>(size) - padding);
    return bytes;
}

}  // namespace understudy::lab
