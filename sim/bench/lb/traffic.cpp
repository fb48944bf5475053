// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/lb/traffic.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <string_view>

#include "base/io/clock.hpp"
#include "sim/bench/lb/server.hpp"
#include "sim/bench/sockets.hpp"

namespace understudy::bench {
namespace {

constexpr std::string_view question = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";

struct Connection {
    int descriptor = -1;
    bool connected = false;
    std::size_t received = 0;
    std::deque<Instant> due;  // ask_evenly: when the questions that wait for answers were due
};

}  // namespace

// The connections of one measurement, each in a slot that is filled again when it fails.
class ConnectionSet {
  public:
    ConnectionSet(Endpoint target, int count)
        : target_(target), epoll_(::epoll_create1(EPOLL_CLOEXEC)), slots_(static_cast<std::size_t>(count)) {
        for (std::size_t slot = 0; slot < slots_.size(); ++slot) open(slot);
    }
    ~ConnectionSet() {
        for (const Connection& connection : slots_)
            if (connection.descriptor >= 0) ::close(connection.descriptor);
        ::close(epoll_);
    }
    ConnectionSet(const ConnectionSet&) = delete;
    ConnectionSet& operator=(const ConnectionSet&) = delete;

    void open(std::size_t slot) {
        Connection& connection = slots_[slot];
        if (connection.descriptor >= 0) ::close(connection.descriptor);
        connection = Connection{};
        connection.descriptor = begin_connect(target_);
        if (connection.descriptor < 0) {
            ++failures_;
            return;
        }
        epoll_event event{};
        event.events = EPOLLOUT;
        event.data.u64 = slot;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.descriptor, &event);
    }
    void fail(std::size_t slot) {
        ++failures_;
        open(slot);
    }
    void ask(std::size_t slot) {
        Connection& connection = slots_[slot];
        connection.received = 0;
        if (::send(connection.descriptor, question.data(), question.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(question.size()))
            fail(slot);
    }
    // Calls on_connected(slot) and on_bytes(slot, size) for what has happened within `limit`.
    template <typename OnConnected, typename OnBytes>
    void wait(Duration limit, std::vector<char>& buffer, OnConnected on_connected, OnBytes on_bytes) {
        const auto whole = std::chrono::ceil<std::chrono::milliseconds>(std::max(limit, Duration(0)));
        std::array<epoll_event, 256> ready;
        const int count = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()),
                                       static_cast<int>(whole.count()));
        // Who asks again and again without waiting shares its processor with the server: without this it
        // would keep it for whole time slices, and milliseconds of its own would be taken for the answers'.
        if (count == 0 && whole.count() == 0) ::sched_yield();
        for (int i = 0; i < count; ++i) {
            const std::size_t slot = ready[static_cast<std::size_t>(i)].data.u64;
            Connection& connection = slots_[slot];
            if (!connection.connected) {
                int failure = 0;
                socklen_t size = sizeof(failure);
                ::getsockopt(connection.descriptor, SOL_SOCKET, SO_ERROR, &failure, &size);
                if (failure != 0) {
                    fail(slot);
                    continue;
                }
                connection.connected = true;
                epoll_event event{};
                event.events = EPOLLIN;
                event.data.u64 = slot;
                ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.descriptor, &event);
                on_connected(slot);
                continue;
            }
            const ssize_t size = ::recv(connection.descriptor, buffer.data(), buffer.size(), 0);
            if (size < 0 && errno == EAGAIN) continue;
            if (size <= 0)
                fail(slot);
            else
                on_bytes(slot, static_cast<std::size_t>(size));
        }
    }

    Connection& at(std::size_t slot) { return slots_[slot]; }
    std::size_t size() const { return slots_.size(); }
    std::uint64_t failures() const { return failures_; }

  private:
    Endpoint target_;
    int epoll_;
    std::vector<Connection> slots_;
    std::uint64_t failures_ = 0;
};

namespace {

double per_second(std::uint64_t count, Duration time) {
    return time > Duration(0) ? static_cast<double>(count) / (to_milliseconds(time) / 1000) : 0;
}

// Asks on each connection as soon as it is open; what follows an answer is the caller's.
template <typename OnAnswer>
Rate count_answers(Endpoint target, int connections, Duration length, OnAnswer on_answer) {
    ConnectionSet client(target, connections);
    std::vector<char> buffer(64 * 1024);
    std::uint64_t answers = 0;
    const Instant began = io::monotonic_now();
    while (io::monotonic_now() - began < length)
        client.wait(
            100ms, buffer, [&](std::size_t slot) { client.ask(slot); },
            [&](std::size_t slot, std::size_t size) {
                if ((client.at(slot).received += size) < answer_bytes) return;
                ++answers;
                on_answer(client, slot);
            });
    return {per_second(answers, io::monotonic_now() - began), client.failures()};
}

}  // namespace

Rate keep_asking(Endpoint target, int connections, Duration length) {
    return count_answers(target, connections, length,
                         [](ConnectionSet& client, std::size_t slot) { client.ask(slot); });
}

Rate connect_and_ask(Endpoint target, int at_once, Duration length) {
    return count_answers(target, at_once, length,
                         [](ConnectionSet& client, std::size_t slot) { client.open(slot); });
}

Rate read_bulk(Endpoint target, int connections, Duration length) {
    ConnectionSet client(target, connections);
    std::vector<char> buffer(512 * 1024);
    std::uint64_t bytes = 0;
    const Instant began = io::monotonic_now();
    while (io::monotonic_now() - began < length)
        client.wait(
            100ms, buffer, [](std::size_t) {}, [&](std::size_t, std::size_t size) { bytes += size; });
    return {per_second(bytes, io::monotonic_now() - began), client.failures()};
}

EvenAsker::EvenAsker(Endpoint target, int connections)
    : client_(std::make_unique<ConnectionSet>(target, connections)) {
    std::vector<char> buffer(64 * 1024);
    int connected = 0;
    const Instant limit = io::monotonic_now() + 1s;  // who isn't open by then isn't asked
    while (connected < connections && io::monotonic_now() < limit)
        client_->wait(
            10ms, buffer, [&connected](std::size_t) { ++connected; }, [](std::size_t, std::size_t) {});
}
EvenAsker::EvenAsker(EvenAsker&&) noexcept = default;
EvenAsker& EvenAsker::operator=(EvenAsker&&) noexcept = default;
EvenAsker::~EvenAsker() = default;

void EvenAsker::ask(int rate, Duration length) {
    std::vector<char> buffer(64 * 1024);
    const Duration step = Duration(std::chrono::seconds(1)) / rate;
    const Instant end = io::monotonic_now() + length;
    Instant due = io::monotonic_now();
    std::size_t waiting = 0;
    // After the last question until its answer, but not for ever.
    for (Instant now = due; now < end || (waiting > 0 && now < end + length); now = io::monotonic_now()) {
        // A slot that still waits for an answer gets its next question after it: one at a time, none skipped.
        for (; due <= now && due < end; due += step, next_ = (next_ + 1) % client_->size()) {
            Connection& connection = client_->at(next_);
            if (!connection.connected) continue;
            connection.due.push_back(due);
            ++waiting;
            if (connection.due.size() == 1) client_->ask(next_);
        }
        client_->wait(
            due - io::monotonic_now() > 1ms ? 1ms : Duration(0), buffer, [](std::size_t) {},
            [&](std::size_t slot, std::size_t size) {
                Connection& connection = client_->at(slot);
                if ((connection.received += size) < answer_bytes || connection.due.empty()) return;
                times_.push_back(io::monotonic_now() - connection.due.front());
                connection.due.pop_front();
                --waiting;
                connection.received = 0;
                if (!connection.due.empty()) client_->ask(slot);
            });
    }
    // What isn't answered by now counts as long as it has waited.
    for (std::size_t slot = 0; slot < client_->size(); ++slot) {
        for (const Instant asked : client_->at(slot).due) times_.push_back(io::monotonic_now() - asked);
        client_->at(slot).due.clear();
    }
}

Latency EvenAsker::latency() const {
    if (times_.empty()) return {Duration(0), Duration(0), client_->failures() + 1};
    std::vector<Duration> times = times_;
    std::sort(times.begin(), times.end());
    return {times[times.size() / 2], times[times.size() * 99 / 100], client_->failures()};
}

Result<IdleConnections> IdleConnections::open(Endpoint target, int count, Duration limit) {
    const Instant end = io::monotonic_now() + limit;
    std::vector<char> buffer(64 * 1024);
    constexpr int batch = 500;
    IdleConnections result({});
    while (static_cast<int>(result.descriptors_.size()) < count) {
        const int wanted = std::min(batch, count - static_cast<int>(result.descriptors_.size()));
        ConnectionSet client(target, wanted);
        int answered = 0;
        while (answered < wanted && io::monotonic_now() < end)
            client.wait(
                100ms, buffer, [&](std::size_t slot) { client.ask(slot); },
                [&](std::size_t slot, std::size_t size) {
                    if ((client.at(slot).received += size) < answer_bytes) return;
                    ++answered;
                });
        if (answered < wanted)
            return Error(ErrorKind::timeout, "idle connections",
                         fmt::format("{} of {} were answered within {}, {} failed",
                                     result.descriptors_.size() + static_cast<std::size_t>(answered), count,
                                     format_duration(limit), client.failures()));
        for (std::size_t slot = 0; slot < client.size(); ++slot)
            result.descriptors_.push_back(std::exchange(client.at(slot).descriptor, -1));
    }
    return result;
}

IdleConnections::~IdleConnections() {
    for (const int descriptor : descriptors_) ::close(descriptor);
}

}  // namespace understudy::bench
