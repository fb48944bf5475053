// SPDX-License-Identifier: Apache-2.0
#include "lb/proxy/proxy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <latch>
#include <mutex>
#include <utility>

namespace understudy::lb {
namespace {

// Failed attempts on their way to the observer. Clients make them; an observer that is slow must not make
// them pile up. What is left out here is still counted.
constexpr int most_reports_waiting = 256;

Error not_open() {
    return {ErrorKind::failed, "proxy", "is not open"};
}

}  // namespace

struct Proxy::Reports {
    Reports(boost::asio::any_io_executor where, DataPathObserver& told)
        : executor(std::move(where)), observer(&told) {}

    boost::asio::any_io_executor executor;
    DataPathObserver* observer;  // the executor's thread only; none once the proxy is gone
    std::atomic<int> waiting{0};
};

Proxy::Proxy(boost::asio::any_io_executor executor, DataPathObserver& observer)
    : reports_(std::make_shared<Reports>(std::move(executor), observer)) {
    context_.attempt_failed = [reports = reports_](std::string rule, std::string host, Endpoint client,
                                                   std::string reason) {
        if (reports->waiting.fetch_add(1) >= most_reports_waiting) {
            reports->waiting.fetch_sub(1);
            return;
        }
        boost::asio::post(reports->executor, [reports, rule = std::move(rule), host = std::move(host), client,
                                              reason = std::move(reason)] {
            reports->waiting.fetch_sub(1);
            if (reports->observer != nullptr) reports->observer->attempt_failed(rule, host, client, reason);
        });
    };
}

Proxy::~Proxy() {
    close();
    reports_->observer = nullptr;
}

Result<void> Proxy::open(std::shared_ptr<const Config> config, const RoutingTable& table) {
    if (!workers_.empty()) return Error(ErrorKind::failed, "proxy", "is open already");
    UNDERSTUDY_TRY(auto plan, make_plan(*config, table));
    config_ = std::move(config);
    auto listeners = listen_for(*plan);
    if (listeners.has_error()) return listeners.error();
    std::vector<std::unique_ptr<Worker>> workers;
    for (int i = 0; i < config_->threads; ++i) {
        workers.push_back(std::make_unique<Worker>(context_));
        UNDERSTUDY_CHECK(workers.back()->start());
    }
    workers_ = std::move(workers);
    follow(std::move(plan), std::move(*listeners));
    return {};
}

Result<void> Proxy::route(const RoutingTable& table) {
    if (workers_.empty()) return not_open();
    UNDERSTUDY_TRY(auto plan, make_plan(*config_, table));
    follow(std::move(plan), {});
    return {};
}

Result<void> Proxy::reconfigure(std::shared_ptr<const Config> config, const RoutingTable& table) {
    if (workers_.empty()) return not_open();
    if (config->threads != config_->threads)
        return Error(ErrorKind::bad_input, "threads",
                     fmt::format("{} can't become {} while it runs", config_->threads, config->threads))
            .with_remedy("restart it for that");
    UNDERSTUDY_TRY(auto plan, make_plan(*config, table));
    auto listeners = listen_for(*plan);
    if (listeners.has_error()) return listeners.error();
    config_ = std::move(config);
    follow(std::move(plan), std::move(*listeners));
    return {};
}

Result<void> Proxy::end_established(const EndEstablished& what) {
    if (workers_.empty()) return not_open();
    on_each_worker([&what](Worker& worker, std::size_t) { worker.end_established(what); });
    return {};
}

Result<Traffic> Proxy::traffic() {
    if (workers_.empty()) return not_open();
    Traffic sum;
    std::mutex one_at_a_time;
    on_each_worker([&](Worker& worker, std::size_t) {
        const std::lock_guard lock(one_at_a_time);
        worker.add_traffic(sum);
    });
    return sum;
}

void Proxy::close() {
    for (const auto& worker : workers_) worker->stop();
    workers_.clear();
    plan_.reset();
}

// Listeners for the endpoints of `plan` that are not listened on yet, by worker.
Result<std::vector<NewListeners>> Proxy::listen_for(const Plan& plan) const {
    const int threads = workers_.empty() ? config_->threads : static_cast<int>(workers_.size());
    std::vector<NewListeners> made(static_cast<std::size_t>(threads));
    for (const PlannedRule& rule : plan.rules) {
        const bool there = plan_ != nullptr && std::any_of(plan_->rules.begin(), plan_->rules.end(),
                                                           [&](const PlannedRule& held) {
                                                               return held.frontend == rule.frontend;
                                                           });
        if (there) continue;
        UNDERSTUDY_TRY(auto sockets, listen_at(rule.frontend, threads, rule.name));
        for (std::size_t i = 0; i < made.size(); ++i)
            made[i].emplace_back(rule.frontend, std::move(sockets[i]));
    }
    return made;
}

void Proxy::follow(std::shared_ptr<const Plan> plan, std::vector<NewListeners> listeners) {
    listeners.resize(workers_.size());
    plan_ = std::move(plan);
    on_each_worker(
        [&](Worker& worker, std::size_t place) { worker.follow(plan_, std::move(listeners[place])); });
}

// Returns once it is done on all. A worker never waits for anyone, so this takes a round of its loop.
template <typename Work>
void Proxy::on_each_worker(Work work) {
    std::latch done(static_cast<std::ptrdiff_t>(workers_.size()));
    for (std::size_t i = 0; i < workers_.size(); ++i)
        workers_[i]->post([&work, &done, worker = workers_[i].get(), i] {
            work(*worker, i);
            done.count_down();
        });
    done.wait();
}

}  // namespace understudy::lb
