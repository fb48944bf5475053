// SPDX-License-Identifier: Apache-2.0
#include "sim/node/client.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>

#include "base/config/reader.hpp"
#include "base/io/clock.hpp"
#include "base/io/event_writer.hpp"
#include "base/io/http.hpp"
#include "base/io/log.hpp"
#include "base/io/unique_fd.hpp"
#include "base/json.hpp"
#include "sim/node/core/network_map.hpp"
#include "sim/node/core/payment.hpp"
#include "sim/node/core/payment_schedule.hpp"

namespace understudy::node {
namespace {

namespace asio = boost::asio;

struct ClientConfig {
    std::string name;
    HostPort rpc;
    std::string from;
    std::string to;
    std::int64_t amount = 1;
    Duration timeout = 2s;
    ScheduleLimits limits;
    std::string record;
};

Result<ClientConfig> load_config(const std::string& path) {
    UNDERSTUDY_TRY(const config::Node tree, config::load_file(path));
    config::Diagnostics diagnostics;
    config::Mapping root = config::Value(tree, "", diagnostics).mapping();
    ClientConfig client;
    if (const auto name = root.required("name")) client.name = name->name();
    if (const auto rpc = root.required("rpc")) {
        const auto parsed = parse_host_port(rpc->text());
        if (parsed.has_value())
            client.rpc = *parsed;
        else
            rpc->refuse(fmt::format("'{}' {}", rpc->text(), parsed.error().reason), "write host:port");
    }
    if (const auto from = root.required("from")) client.from = from->text();
    if (const auto to = root.required("to")) client.to = to->text();
    if (const auto rate = root.required("rate")) client.limits.rate_per_second = rate->number(0.01, 10'000);
    if (const auto record = root.required("record")) client.record = record->text();
    if (const auto amount = root.optional("amount")) client.amount = amount->integer(1, 1'000'000'000);
    if (const auto timeout = root.optional("timeout")) client.timeout = timeout->duration(10ms, 10min);
    if (const auto retry = root.optional("retry_interval"))
        client.limits.retry_interval = retry->duration(1ms, 10min);
    if (const auto drain = root.optional("drain_timeout"))
        client.limits.drain_timeout = drain->duration(0s, 10min);
    if (const auto bound = root.optional("max_outstanding"))
        client.limits.max_outstanding = static_cast<std::size_t>(bound->integer(1, 100'000));
    root.refuse_unknown_keys();
    UNDERSTUDY_CHECK(diagnostics.outcome());
    return client;
}

class Payer {
  public:
    Payer(asio::io_context& context, ClientConfig config, io::UniqueFd record)
        : context_(context),
          config_(std::move(config)),
          record_(std::move(record)),
          timer_(context),
          schedule_(config_.limits, io::monotonic_now()) {
        // Ids differ from those of any other run: a client started again pays anew.
        const auto run = std::chrono::system_clock::now().time_since_epoch() / std::chrono::microseconds(1);
        id_prefix_ = fmt::format("{}-{:x}", config_.name, run);
        events_.report("ready",
                       fmt::format("pays {} through {}:{}", config_.to, config_.rpc.host, config_.rpc.port));
    }

    void step();
    void stop() {
        schedule_.stop(io::monotonic_now());
        step();
    }

  private:
    asio::awaitable<void> attempt(StartAttempt action);
    void write_down(const std::string& id, int attempt, const std::string& reason, Duration latency);

    asio::io_context& context_;
    ClientConfig config_;
    io::UniqueFd record_;
    io::EventWriter events_{"client"};
    asio::steady_timer timer_;
    PaymentSchedule schedule_;
    std::string id_prefix_;
};

void Payer::step() {
    for (const ScheduleAction& action : schedule_.take_actions()) {
        if (const auto* start = std::get_if<StartAttempt>(&action)) {
            asio::co_spawn(context_, attempt(*start), asio::detached);
        } else {
            const auto& finished = std::get<Finished>(action);
            events_.report(
                "finished",
                fmt::format("{} acknowledged, {} outstanding", finished.acknowledged, finished.outstanding),
                {{"acknowledged", finished.acknowledged}, {"outstanding", finished.outstanding}});
            context_.stop();
        }
    }
    const auto deadline = schedule_.next_deadline();
    if (!deadline) return;
    timer_.expires_at(io::to_steady(deadline->when));
    timer_.async_wait([this](const boost::system::error_code& failure) {
        if (failure) return;
        schedule_.on_timeout(io::monotonic_now());
        step();
    });
}

asio::awaitable<void> Payer::attempt(StartAttempt action) {
    const std::string id = fmt::format("{}-{}", id_prefix_, action.payment);
    const io::HttpRequest request{"POST", "/payments", to_request({id, config_.to, config_.amount})};
    const Instant began = io::monotonic_now();
    const auto response =
        co_await io::http_request(config_.rpc.host, config_.rpc.port, request, config_.timeout);
    const Duration latency = io::monotonic_now() - began;
    std::string reason;
    if (response.has_error())
        reason = response.error().message();
    else if (response->status != 200)
        reason = fmt::format("status {}: {}", response->status, response->body.substr(0, 200));
    write_down(id, action.attempt, reason, latency);
    schedule_.attempt_ended(action.payment, reason.empty(), io::monotonic_now());
    step();
}

void Payer::write_down(const std::string& id, int attempt, const std::string& reason, Duration latency) {
    const std::string outcome = reason.empty() ? "acknowledged" : "failed";
    const std::int64_t latency_us = latency / std::chrono::microseconds(1);
    const std::int64_t wall_ms =
        std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
    const std::string line = json::serialize(json::object{{"payment", id},
                                                          {"outcome", outcome},
                                                          {"reason", reason},
                                                          {"try", attempt},
                                                          {"wall_ms", wall_ms},
                                                          {"latency_us", latency_us}}) +
                             "\n";
    // The record first: an acknowledgement that only an event knows of would be missing from the comparison.
    if (::write(record_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        spdlog::error("{}", system_error(config_.record, errno).message());
    events_.report("attempt", reason.empty() ? id : id + ": " + reason,
                   {{"payment", id},
                    {"outcome", outcome},
                    {"reason", reason},
                    {"try", std::int64_t{attempt}},
                    {"started_ms_ago", latency_us / 1000},
                    {"latency_us", latency_us}});
}

}  // namespace

int run_client(const std::string& config_path) {
    auto config = load_config(config_path);
    if (config.has_error()) return io::fail(config.error());
    io::UniqueFd record(::open(config->record.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!record.valid()) return io::fail(system_error(config->record, errno, ErrorKind::environment));
    asio::io_context context(1);
    Payer payer(context, std::move(*config), std::move(record));
    asio::signal_set signals(context, SIGTERM, SIGINT);
    signals.async_wait([&](const boost::system::error_code&, int) { payer.stop(); });
    payer.step();
    context.run();
    return 0;
}

}  // namespace understudy::node
