// SPDX-License-Identifier: Apache-2.0
#include "sim/node/network_map_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <stdio.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <fstream>

#include "base/config/reader.hpp"
#include "base/io/event_writer.hpp"
#include "base/io/http.hpp"
#include "base/io/log.hpp"
#include "base/io/unique_fd.hpp"
#include "base/json.hpp"
#include "sim/node/core/network_map.hpp"
#include "sim/node/network_map_client.hpp"

namespace understudy::node {
namespace {

namespace asio = boost::asio;

struct MapConfig {
    Endpoint listen;
    PublicAddressRule rule;
    std::string file;
};

Result<MapConfig> load_map_config(const std::string& path) {
    UNDERSTUDY_TRY(const config::Node tree, config::load_file(path));
    config::Diagnostics diagnostics;
    config::Mapping root = config::Value(tree, "", diagnostics).mapping();
    MapConfig map;
    if (const auto listen = root.required("listen")) map.listen = listen->endpoint();
    if (const auto networks = root.required("public_networks"))
        for (const config::Value& network : networks->sequence())
            map.rule.public_networks.push_back(network.network());
    if (const auto zone = root.optional("dns_zone")) map.rule.dns_zone = zone->text();
    if (const auto file = root.optional("file")) map.file = file->text();
    root.refuse_unknown_keys();
    UNDERSTUDY_CHECK(diagnostics.outcome());
    return map;
}

class MapService {
  public:
    explicit MapService(MapConfig config) : config_(std::move(config)), table_(config_.rule) {}

    Result<void> load();
    asio::awaitable<io::HttpResponse> answer(io::HttpRequest request);
    io::EventWriter& events() { return events_; }

  private:
    io::HttpResponse publish(const std::string& body);
    Result<void> save() const;

    MapConfig config_;
    NetworkMapTable table_;
    io::EventWriter events_{"network-map"};
};

Result<void> MapService::load() {
    if (config_.file.empty()) return {};
    std::ifstream file(config_.file);
    if (!file) return {};
    std::string line;
    for (std::int64_t number = 1; std::getline(file, line); ++number) {
        auto info = node_info_from_json(line);
        if (info.has_error())
            return Error(ErrorKind::bad_input, fmt::format("{}:{}", config_.file, number),
                         info.error().message());
        // An entry that the rule refuses by now is left out, like one that was never published.
        if (const auto published = table_.publish(std::move(*info)); published.has_error())
            spdlog::warn("{}:{}: {}", config_.file, number, published.error().message());
    }
    return {};
}

Result<void> MapService::save() const {
    if (config_.file.empty()) return {};
    const std::string next = config_.file + ".new";
    std::string text;
    for (const auto& [name, info] : table_.entries()) text += to_json(info) + "\n";
    const io::UniqueFd fd(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd.valid() || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(fd.get()) != 0 || ::rename(next.c_str(), config_.file.c_str()) != 0)
        return system_error(config_.file, errno);
    return {};
}

io::HttpResponse MapService::publish(const std::string& body) {
    const auto refuse = [&](const Error& error, const std::string& addresses) {
        events_.report("entry_refused", error.message(),
                       {{"address", addresses}, {"reason", error.message()}});
        return io::HttpResponse{error.kind == ErrorKind::bad_input ? 400 : 503, error.message() + "\n",
                                "text/plain"};
    };
    const auto info = node_info_from_json(body);
    if (info.has_error()) return refuse(info.error(), "");
    const auto published = table_.publish(*info);
    if (published.has_error()) return refuse(published.error(), info->addresses.front());
    if (published->changed) {
        if (const auto saved = save(); saved.has_error()) spdlog::error("{}", saved.error().message());
    }
    events_.report("entry_published",
                   fmt::format("{} at {}{}", info->legal_name, info->addresses.front(),
                               published->changed ? "" : ", unchanged"),
                   {{"legal_name", info->legal_name},
                    {"address", info->addresses.front()},
                    {"serial", published->serial},
                    {"changed", published->changed}});
    return {
        200,
        json::serialize(json::object{{"serial", published->serial}, {"changed", published->changed}}) + "\n"};
}

asio::awaitable<io::HttpResponse> MapService::answer(io::HttpRequest request) {
    constexpr std::string_view one_entry = "/network-map/node-info/";
    if (request.method == "POST" && request.target == "/network-map/publish") co_return publish(request.body);
    io::HttpResponse response{404, "no such resource\n", "text/plain"};
    if (request.method == "GET" && request.target == "/network-map") {
        std::string entries;
        for (const auto& [name, info] : table_.entries())
            entries += (entries.empty() ? "" : ",") + to_json(info);
        response = io::HttpResponse{200, "{\"entries\":[" + entries + "]}\n"};
    } else if (request.method == "GET" && request.target.starts_with(one_entry)) {
        const NodeInfo* info = table_.find(percent_decode(request.target.substr(one_entry.size())));
        if (info != nullptr) response = io::HttpResponse{200, to_json(*info) + "\n"};
    }
    co_return response;
}

}  // namespace

int run_network_map(const std::string& config_path) {
    const auto config = load_map_config(config_path);
    if (config.has_error()) return io::fail(config.error());
    MapService service(*config);
    if (const auto loaded = service.load(); loaded.has_error()) return io::fail(loaded.error());
    asio::io_context context(1);
    auto acceptor = io::listen_tcp(context.get_executor(),
                                   {asio::ip::address_v4(config->listen.address.bits), config->listen.port});
    if (acceptor.has_error()) return io::fail(acceptor.error());
    asio::signal_set signals(context, SIGTERM, SIGINT);
    signals.async_wait([&](const boost::system::error_code&, int) { context.stop(); });
    asio::co_spawn(
        context,
        io::serve_http(*acceptor,
                       [&](io::HttpRequest request) { return service.answer(std::move(request)); }),
        asio::detached);
    service.events().report("ready", "listening on " + to_string(config->listen));
    context.run();
    return 0;
}

}  // namespace understudy::node
