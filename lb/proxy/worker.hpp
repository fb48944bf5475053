// SPDX-License-Identifier: Apache-2.0
// One thread of the proxy: its listeners, its flows and the loop that serves them. Workers share nothing but
// the count of connections, so no flow ever waits for a lock. What the owner wants done comes in by post()
// and runs between two rounds of the loop. Ownership: start(), then stop() before destruction. Threads:
// post() may be called from any; what is marked so from the worker's own only.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "lb/core/routing.hpp"
#include "lb/data_path.hpp"
#include "lb/proxy/flow.hpp"
#include "lb/proxy/listener.hpp"
#include "lb/proxy/plan.hpp"

namespace understudy::lb {

// What the workers have in common.
struct WorkerContext {
    std::atomic<std::size_t> connections{0};
    // Called from any worker's thread: rule, host, client, reason.
    std::function<void(std::string, std::string, Endpoint, std::string)> attempt_failed;
};

using NewListeners = std::vector<std::pair<Endpoint, io::UniqueFd>>;

class Worker {
  public:
    explicit Worker(WorkerContext& context);
    ~Worker();

    Result<void> start();
    void stop();  // resets every flow, closes the listeners, ends the thread

    template <typename Work>
    void post(Work work) {
        boost::asio::post(commands_, std::move(work));
        wake();
    }

    // On its own thread.
    void follow(std::shared_ptr<const Plan> plan, NewListeners listeners);
    void end_established(const EndEstablished& what);
    void add_traffic(Traffic& sum) const { add_to(sum, books_, plan_->balanced); }

    void admit(const std::shared_ptr<RuleBook>& rule, int client, Endpoint address);
    void pause(Listener& listener);

    Instant now() const { return now_; }
    const Plan& plan() const { return *plan_; }
    ReadinessSet& readiness() { return readiness_; }
    const TransferTools& tools() const { return tools_; }
    void schedule(Flow& flow, Instant due);
    void queue(Flow& flow);
    void ended(Flow& flow);
    void report_attempt(const std::string& rule, const std::string& host, Endpoint client,
                        std::string reason) {
        context_.attempt_failed(rule, host, client, std::move(reason));
    }

  private:
    // The descriptor by which post() ends a wait.
    struct Waker final : ReadinessHandler {
        void on_ready(std::uint32_t) override { called = true; }
        io::UniqueFd event;
        bool called = false;
    };

    void wake();
    void run();
    void serve_round();
    Duration longest_wait() const;
    std::span<const epoll_event> next_events();
    void resume_listeners();
    void bury();

    WorkerContext& context_;
    boost::asio::io_context commands_{1};
    ReadinessSet readiness_;
    Waker waker_;
    Instant now_;
    bool was_busy_ = false;  // in the last round
    TimerWheel wheel_;
    Instant next_timeout_ = Instant::max();
    Instant resume_at_ = Instant::max();  // of paused listeners
    std::vector<char> buffer_;
    PipePool pipes_;
    TransferTools tools_;
    std::shared_ptr<const Plan> plan_;
    std::vector<std::shared_ptr<RuleBook>> books_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::vector<Flow*> flows_;   // owned; each knows its place
    std::vector<Flow*> queued_;  // have more to move
    std::vector<Flow*> over_;    // to be destroyed after the round: events at hand may name them
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace understudy::lb
