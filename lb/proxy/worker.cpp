// SPDX-License-Identifier: Apache-2.0
#include "lb/proxy/worker.hpp"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/io/clock.hpp"

namespace understudy::lb {
namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;
constexpr Duration accept_pause = 50ms;
constexpr Duration longest_sleep = 10s;
constexpr Duration look_again_for = 30us;

void reset_socket(int fd) {
    const linger at_once{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(fd);
}

}  // namespace

Worker::Worker(WorkerContext& context)
    : context_(context),
      now_(io::monotonic_now()),
      wheel_(now_),
      buffer_(buffer_bytes),
      pipes_(pipes_per_worker),
      tools_{buffer_, pipes_},
      plan_(std::make_shared<const Plan>()) {}

Worker::~Worker() {
    stop();
}

Result<void> Worker::start() {
    UNDERSTUDY_CHECK(readiness_.open());
    waker_.event.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!waker_.event.valid()) return system_error("eventfd", errno, ErrorKind::environment);
    if (const int error = readiness_.watch(waker_.event.get(), EPOLLIN | EPOLLET, waker_); error != 0)
        return system_error("epoll_ctl", error, ErrorKind::environment);
    // Signals are the main thread's; SIGPIPE, which splice(2) can't be told to leave out, is nobody's.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return {};
}

void Worker::stop() {
    if (!thread_.joinable()) return;
    post([this] { stopping_ = true; });
    thread_.join();
}

void Worker::wake() {
    const std::uint64_t one = 1;
    // Fails only where the counter is full, and then the worker is awake.
    [[maybe_unused]] const ssize_t written = ::write(waker_.event.get(), &one, sizeof one);
}

void Worker::run() {
    while (!stopping_) serve_round();
    listeners_.clear();
    while (!flows_.empty()) flows_.back()->reset();
    bury();
}

// Who has just moved bytes often gets the answer to them a few microseconds later, when the other end runs on
// this machine: to sleep and be woken takes longer than to look for it.
std::span<const epoll_event> Worker::next_events() {
    const Duration limit = longest_wait();
    if (std::exchange(was_busy_, false) && limit > look_again_for) {
        const Instant end = io::monotonic_now() + look_again_for;
        do {
            if (const auto events = readiness_.wait(Duration(0)); !events.empty()) return events;
        } while (io::monotonic_now() < end);
    }
    return readiness_.wait(limit);
}

void Worker::serve_round() {
    const auto events = next_events();
    was_busy_ = !events.empty();
    now_ = io::monotonic_now();
    for (const epoll_event& event : events)
        static_cast<ReadinessHandler*>(event.data.ptr)->on_ready(event.events);
    const auto queued = std::exchange(queued_, {});
    for (Flow* flow : queued) {
        flow->queued = false;
        flow->go_on();
    }
    if (now_ >= next_timeout_) {
        wheel_.advance(now_, [](TimerWheel::Entry& entry) { static_cast<Flow&>(entry).on_timeout(); });
        next_timeout_ = wheel_.next().value_or(Instant::max());
    }
    if (now_ >= resume_at_) resume_listeners();
    // Only now: what a command closes, the events at hand may still have named.
    if (std::exchange(waker_.called, false)) {
        commands_.restart();
        commands_.poll();
    }
    bury();
}

Duration Worker::longest_wait() const {
    if (!queued_.empty()) return Duration(0);
    const Instant next = std::min({next_timeout_, resume_at_, now_ + longest_sleep});
    return next - now_;
}

void Worker::follow(std::shared_ptr<const Plan> plan, NewListeners listeners) {
    plan_ = std::move(plan);
    books_ = open_books(books_, *plan_);
    for (auto& [endpoint, socket] : listeners) {
        listeners_.push_back(std::make_unique<Listener>(*this, endpoint, std::move(socket)));
        if (readiness_.watch(listeners_.back()->socket.get(), EPOLLIN, *listeners_.back()) != 0)
            pause(*listeners_.back());
    }
    std::erase_if(listeners_, [&](const std::unique_ptr<Listener>& listener) {
        const auto book = std::find_if(books_.begin(), books_.end(), [&](const auto& held) {
            return held->plan.frontend == listener->endpoint;
        });
        if (book == books_.end()) return true;
        listener->rule = *book;
        return false;
    });
    // By place from behind: a flow that ends takes the last one's place.
    for (std::size_t i = flows_.size(); i-- > 0;)
        if (i < flows_.size()) flows_[i]->plan_changed();
}

void Worker::end_established(const EndEstablished& what) {
    if (what.rule >= plan_->balanced || what.backend >= plan_->backends.size()) return;
    const RuleBook* rule = books_[what.rule].get();
    const BackendBook* backend = rule->backends[what.backend].get();
    for (std::size_t i = flows_.size(); i-- > 0;) {
        Flow& flow = *flows_[i];
        if (flow.established() && &flow.rule() == rule && flow.backend() == backend) flow.reset();
    }
}

void Worker::admit(const std::shared_ptr<RuleBook>& rule, int client, Endpoint address) {
    if (context_.connections.fetch_add(1, std::memory_order_relaxed) >= plan_->max_connections) {
        context_.connections.fetch_sub(1, std::memory_order_relaxed);
        ++rule->refused_over_limit;
        reset_socket(client);
        return;
    }
    Flow* flow = new Flow(*this, rule, client, address);
    flow->place = flows_.size();
    flows_.push_back(flow);
    flow->connect();
}

void Worker::pause(Listener& listener) {
    readiness_.change(listener.socket.get(), 0, listener);
    listener.paused = true;
    resume_at_ = std::min(resume_at_, now_ + accept_pause);
}

void Worker::resume_listeners() {
    resume_at_ = Instant::max();
    for (const auto& listener : listeners_) {
        if (!listener->paused) continue;
        listener->paused = false;
        int error = readiness_.change(listener->socket.get(), EPOLLIN, *listener);
        if (error == ENOENT) error = readiness_.watch(listener->socket.get(), EPOLLIN, *listener);
        if (error != 0) pause(*listener);
    }
}

void Worker::schedule(Flow& flow, Instant due) {
    wheel_.schedule(flow, due);
    next_timeout_ = std::min(next_timeout_, due + TimerWheel::tick);
}

void Worker::queue(Flow& flow) {
    if (flow.queued) return;
    flow.queued = true;
    queued_.push_back(&flow);
}

void Worker::ended(Flow& flow) {
    context_.connections.fetch_sub(1, std::memory_order_relaxed);
    flows_.back()->place = flow.place;
    flows_[flow.place] = flows_.back();
    flows_.pop_back();
    over_.push_back(&flow);
}

void Worker::bury() {
    for (Flow* flow : over_) {
        if (flow->queued) std::erase(queued_, flow);
        delete flow;
    }
    over_.clear();
}

}  // namespace understudy::lb
