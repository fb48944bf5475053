// SPDX-License-Identifier: Apache-2.0
#include "sim/node/network_map_client.hpp"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <cstring>

#include "base/io/http.hpp"

namespace understudy::node {

namespace asio = boost::asio;
constexpr Duration request_limit = 2s;
constexpr std::size_t max_known = 10'000;

asio::awaitable<Result<void>> NetworkMapClient::publish(NodeInfo info) {
    const io::HttpRequest request{"POST", "/network-map/publish", to_json(info)};
    const auto response =
        co_await io::http_request(to_string(service_.address), service_.port, request, request_limit);
    if (response.has_error()) co_return response.error();
    if (response->status == 400)
        co_return Error(ErrorKind::bad_input, "network map", "refused the entry: " + response->body);
    if (response->status != 200)
        co_return Error(ErrorKind::failed, "network map", "answered").with_number(response->status);
    co_return Result<void>();
}

asio::awaitable<Result<std::vector<HostPort>>> NetworkMapClient::lookup(std::string legal_name) {
    if (const auto found = known_.find(legal_name); found != known_.end() && !found->second.doubted)
        co_return found->second.addresses;
    auto answer = co_await ask(legal_name);
    const auto found = known_.find(legal_name);
    if (answer.has_error() && found != known_.end() && answer.error().kind != ErrorKind::bad_input)
        co_return found->second.addresses;
    if (answer.has_value() && (found != known_.end() || known_.size() < max_known))
        known_[legal_name] = Known{*answer, false};
    co_return answer;
}

asio::awaitable<Result<std::vector<HostPort>>> NetworkMapClient::ask(std::string legal_name) {
    const io::HttpRequest request{"GET", "/network-map/node-info/" + percent_encode(legal_name), ""};
    const auto response =
        co_await io::http_request(to_string(service_.address), service_.port, request, request_limit);
    if (response.has_error()) co_return response.error();
    if (response->status == 404)
        co_return Error(ErrorKind::bad_input, legal_name, "is not in the network map");
    if (response->status != 200)
        co_return Error(ErrorKind::failed, "network map", "answered").with_number(response->status);
    const auto info = node_info_from_json(response->body);
    if (info.has_error())
        co_return Error(ErrorKind::failed, "network map", "sent an entry whose " + info.error().message());
    std::vector<HostPort> addresses;
    for (const std::string& address : info->addresses)
        if (auto parsed = parse_host_port(address); parsed.has_value())
            addresses.push_back(std::move(*parsed));
    if (addresses.empty())
        co_return Error(ErrorKind::failed, legal_name, "has no usable address in the network map");
    co_return addresses;
}

std::string percent_encode(const std::string& text) {
    std::string encoded;
    for (const char c : text) {
        if (std::isalnum(static_cast<unsigned char>(c)) || std::strchr("-._~", c) != nullptr)
            encoded += c;
        else
            encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

std::string percent_decode(const std::string& text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned value = 0;
        if (text[i] == '%' && i + 2 < text.size()) {
            const auto [after, failure] =
                std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
            if (failure == std::errc() && after == text.data() + i + 3) {
                decoded += static_cast<char>(value);
                i += 2;
                continue;
            }
        }
        decoded += text[i];
    }
    return decoded;
}

}  // namespace understudy::node
