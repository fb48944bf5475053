// SPDX-License-Identifier: Apache-2.0
#include "sim/node/node.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/io/clock.hpp"
#include "base/json.hpp"
#include "sim/node/background.hpp"

namespace understudy::node {
namespace {

constexpr Duration lock_retry = 500ms;  // the broker's own rhythm
constexpr Duration longest_watch = 2s;  // its lock monitor's
constexpr Duration finish_limit = 1s;
constexpr Duration unlock_limit = 300ms;
constexpr Duration last_resort = 1800ms;  // a daemon ends within two seconds

// How long this process has been running, from /proc/self/stat's starttime (field 22, clock ticks since
// boot): includes the loading of its libraries.
Duration process_age() {
    std::ifstream file("/proc/self/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    const std::size_t after_name = text.rfind(')');
    if (after_name == std::string::npos) return Duration::zero();
    std::size_t position = after_name + 1;
    for (int field = 3; field <= 22 && position != std::string::npos; ++field)
        position = text.find(' ', position + 1);
    // `position` is the blank after field 22 now.
    if (position == std::string::npos) return Duration::zero();
    const std::size_t begin = text.rfind(' ', position - 1) + 1;
    const auto ticks = std::strtoll(text.c_str() + begin, nullptr, 10);
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    const Duration since_boot = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
    const Duration started = std::chrono::nanoseconds(ticks * (1'000'000'000 / ::sysconf(_SC_CLK_TCK)));
    return std::max(since_boot - started, Duration::zero());
}

asio::ip::tcp::endpoint to_asio(const Endpoint& endpoint) {
    return {asio::ip::address_v4(endpoint.address.bits), endpoint.port};
}

asio::awaitable<io::HttpResponse> web_page(io::HttpRequest request, std::string legal_name) {
    if (request.method != "GET" || request.target != "/") {
        io::HttpResponse response{404, "not found\n", "text/plain"};
        co_return response;
    }
    std::string name;
    for (const char c : legal_name) name += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
    io::HttpResponse response{200, fmt::format("<!doctype html><title>{0}</title><p>{0}: active</p>\n", name),
                              "text/html"};
    co_return response;
}

}  // namespace

Node::Node(NodeConfig config, const LedgerWrapper& wrap_ledger)
    : config_(std::move(config)),
      store_(context_.get_executor(), config_.database,
             [this](std::string reason) { end(1, std::move(reason), false); }),
      ledger_(wrap_ledger ? wrap_ledger(context_.get_executor(), store_) : nullptr),
      network_map_(config_.network_map),
      payments_(context_.get_executor(), config_.legal_name, ledger_ ? *ledger_ : store_, network_map_) {
    payments_.describe_with([this] { return status(); });
}

void Node::run() {
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    events_.report(
        "starting", config_.legal_name + " on " + config_.machine_name,
        {{"attempt_start", whole_milliseconds(std::chrono::duration_cast<Duration>(wall) - process_age())},
         {"pid", std::int64_t{::getpid()}}});
    signals_.async_wait([this](const boost::system::error_code& failure, int signal) {
        if (!failure) end(0, signal == SIGTERM ? "SIGTERM" : "SIGINT", true);
    });
    asio::co_spawn(context_, start(), asio::detached);
    // Ends by _exit; work that is left keeps the context busy until then.
    const auto work = asio::make_work_guard(context_);
    context_.run();
    ::_exit(1);
}

// What waits for the network or the share runs side by side: on an emulated processor each wait is long.
asio::awaitable<void> Node::start() {
    Background<void> share(context_.get_executor(), open_share());
    if (config_.mutual_exclusion) {
        lease_ = std::make_unique<LeaseKeeper>(
            context_.get_executor(), config_.database,
            LeaseIdentity{config_.base_directory + "/" + config_.machine_name, std::to_string(::getpid())},
            config_.lease, events_, [this](std::string reason) { end(1, std::move(reason), false); });
        if (const auto connected = co_await lease_->connect(); connected.has_error())
            co_return end(1, "database connection lost: " + connected.error().message(), false);
    }
    if (const auto opened = co_await share.result(); opened.has_error())
        co_return end(1, "share: " + opened.error().message(), false);
    const Instant asked = io::monotonic_now();
    if (lease_) co_await lease_->acquire();
    lease_since_ = io::monotonic_now();
    lease_wait_ = lease_since_ - asked;
    if (const auto locked = co_await lock_journal(); locked.has_error())
        co_return end(1, "journal lost: " + locked.error().message(), false);
    journal_wait_ = io::monotonic_now() - lease_since_;
    asio::co_spawn(context_, watch_journal(), asio::detached);
    Background<void> publication(context_.get_executor(), publish());
    Background<void> journal(context_.get_executor(), store_.open_journal(config_.journal_directory()));
    if (const auto connected = co_await store_.connect(); connected.has_error())
        co_return end(1, "database connection lost: " + connected.error().message(), false);
    if (const auto opened = co_await journal.result(); opened.has_error())
        co_return end(1, "journal lost: " + opened.error().message(), false);
    if (const auto published = co_await publication.result(); published.has_error())
        co_return end(exit_status(published.error().kind), published.error().message(), false);
    if (ending_) co_return;
    if (const auto opened = open_ports(); opened.has_error())
        co_return end(exit_status(opened.error().kind), opened.error().message(), false);
    report_active();
    const auto recovered = co_await payments_.recover();
    if (recovered.has_error()) co_return end(1, "recovery: " + recovered.error().message(), false);
    if (*recovered > 0)
        events_.report("recovered", fmt::format("{} unfinished payments go on", *recovered),
                       {{"payments", static_cast<std::int64_t>(*recovered)}});
}

asio::awaitable<Result<void>> Node::open_share() {
    const std::function<Result<bool>()> job =
        [held = lock_, directory = config_.journal_directory(),
         own = config_.share ? std::string() : config_.base_directory]() -> Result<bool> {
        // A share's directory is never made: if it isn't there, the share isn't mounted.
        std::error_code failure;
        if (!own.empty()) std::filesystem::create_directories(own, failure);
        UNDERSTUDY_TRY(JournalLock lock, JournalLock::open(directory));
        UNDERSTUDY_CHECK(lock.probe());
        held->emplace(std::move(lock));
        return true;
    };
    const auto opened = co_await share_worker_.run<bool>(job, config_.share_timeout);
    if (opened.has_error()) co_return opened.error();
    co_return Result<void>();
}

asio::awaitable<Result<void>> Node::lock_journal() {
    const std::function<Result<bool>()> attempt = [held = lock_] { return (*held)->try_lock(); };
    const Instant began = io::monotonic_now();
    asio::steady_timer pause(context_);
    for (bool waiting = false; true; waiting = true) {
        const auto locked = co_await share_worker_.run<bool>(attempt, config_.share_timeout);
        if (locked.has_error()) co_return locked.error();
        if (*locked) break;
        if (!waiting)
            events_.report("journal_waiting",
                           config_.journal_directory() + "/server.lock is held by another process");
        pause.expires_after(lock_retry);
        co_await pause.async_wait(as_result);
    }
    locked_ = true;
    const Duration waited = io::monotonic_now() - began;
    events_.report("journal_locked", config_.journal_directory(), {{"wait_ms", whole_milliseconds(waited)}});
    co_return Result<void>();
}

asio::awaitable<void> Node::watch_journal() {
    const std::function<Result<bool>()> check = [held = lock_]() -> Result<bool> {
        UNDERSTUDY_CHECK((*held)->verify());
        return true;
    };
    const Duration interval = std::min(longest_watch, config_.lease.update);
    asio::steady_timer pause(context_);
    while (!ending_) {
        pause.expires_after(interval);
        co_await pause.async_wait(as_result);
        if (ending_) co_return;
        const auto verified = co_await share_worker_.run<bool>(check, config_.share_timeout);
        if (verified.has_value()) continue;
        if (!ending_) events_.report("journal_lost", verified.error().message());
        end(1, "journal lost: " + verified.error().message(), false);
    }
}

NodeInfo Node::node_info() const {
    NodeInfo info;
    info.legal_name = config_.legal_name;
    info.addresses.push_back(config_.p2p_address);
    return info;
}

asio::awaitable<Result<void>> Node::publish() {
    const auto published = co_await network_map_.publish(node_info());
    if (published.has_value() || published.error().kind == ErrorKind::bad_input) co_return published;
    // The entry of an earlier start is still there: a map out of reach doesn't keep a node from becoming
    // active.
    events_.report("publish_failed", published.error().message());
    asio::co_spawn(context_, keep_publishing(), asio::detached);
    co_return Result<void>();
}

asio::awaitable<void> Node::keep_publishing() {
    asio::steady_timer pause(context_);
    while (!ending_) {
        pause.expires_after(std::chrono::seconds(1));
        co_await pause.async_wait(as_result);
        const auto published = co_await network_map_.publish(node_info());
        if (published.has_value()) co_return;
        if (published.error().kind == ErrorKind::bad_input) end(2, published.error().message(), false);
    }
}

Result<void> Node::open_ports() {
    UNDERSTUDY_CHECK(serve(config_.p2p_listen,
                           [this](io::HttpRequest request) { return payments_.p2p(std::move(request)); }));
    UNDERSTUDY_CHECK(serve(config_.rpc_listen,
                           [this](io::HttpRequest request) { return payments_.rpc(std::move(request)); }));
    UNDERSTUDY_CHECK(serve(config_.http_listen, [this](io::HttpRequest request) {
        return web_page(std::move(request), config_.legal_name);
    }));
    return {};
}

Result<void> Node::serve(const Endpoint& endpoint, io::HttpHandler handler) {
    UNDERSTUDY_TRY(asio::ip::tcp::acceptor acceptor,
                   io::listen_tcp(context_.get_executor(), to_asio(endpoint)));
    acceptors_.push_back(std::make_unique<asio::ip::tcp::acceptor>(std::move(acceptor)));
    asio::co_spawn(context_, io::serve_http(*acceptors_.back(), std::move(handler)), asio::detached);
    return {};
}

void Node::report_active() {
    active_ = true;
    const std::map<std::string, AttributeValue> attributes{
        {"start_ms", whole_milliseconds(process_age() - lease_wait_ - journal_wait_)},
        {"lease_to_active_ms", whole_milliseconds(io::monotonic_now() - lease_since_)}};
    events_.report(
        "active",
        fmt::format("{} serves on P2P {}, RPC {}, HTTP {}", config_.legal_name, to_string(config_.p2p_listen),
                    to_string(config_.rpc_listen), to_string(config_.http_listen)),
        attributes);
    events_.report("ready", "ports open", attributes);
}

std::string Node::status() const {
    return json::serialize(
               json::object{{"legal_name", config_.legal_name},
                            {"machine_name", config_.machine_name},
                            {"active", active_ && !ending_},
                            {"lease_version", lease_ ? lease_->version() : 0},
                            {"payments_in_flight", static_cast<std::int64_t>(payments_.in_flight())}}) +
           "\n";
}

void Node::end(int exit_code, std::string reason, bool orderly) {
    if (ending_) return;
    ending_ = true;
    // If anything below hangs, this doesn't.
    std::thread([exit_code] {
        std::this_thread::sleep_for(last_resort);
        ::_exit(exit_code);
    }).detach();
    for (const auto& acceptor : acceptors_) {
        boost::system::error_code ignored;
        acceptor->close(ignored);
    }
    payments_.refuse_new_payments();
    asio::co_spawn(context_, end_in_order(exit_code, std::move(reason), orderly), asio::detached);
}

asio::awaitable<void> Node::end_in_order(int exit_code, std::string reason, bool orderly) {
    asio::steady_timer pause(context_);
    const Instant until = io::monotonic_now() + finish_limit;
    while (orderly && payments_.in_flight() > 0 && io::monotonic_now() < until) {
        pause.expires_after(std::chrono::milliseconds(10));
        co_await pause.async_wait(as_result);
    }
    if (orderly && locked_) {
        const std::function<Result<bool>()> unlock = [held = lock_]() -> Result<bool> {
            UNDERSTUDY_CHECK((*held)->unlock());
            return true;
        };
        co_await share_worker_.run<bool>(unlock, unlock_limit);
    }
    if (exit_code != 0) spdlog::error("{}", reason);
    events_.report("stopped", reason, {{"reason", reason}, {"exit_status", std::int64_t{exit_code}}});
    ::_exit(exit_code);
}

}  // namespace understudy::node
