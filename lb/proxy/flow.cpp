// SPDX-License-Identifier: Apache-2.0
#include "lb/proxy/flow.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/system/error_code.hpp>
#include <cerrno>

#include "lb/core/proxy_header.hpp"
#include "lb/proxy/socket_options.hpp"
#include "lb/proxy/worker.hpp"
#include "lb/sockets.hpp"

namespace understudy::lb {
namespace {

// A flow that lasts for so long is worth the calls that find its peers dead.
constexpr Duration long_lived = 1s;

void close_socket(int& fd, bool with_reset) {
    if (fd < 0) return;
    if (with_reset) {
        const linger at_once{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    ::close(fd);
    fd = -1;
}

int socket_error(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
}

}  // namespace

Flow::Flow(Worker& worker, std::shared_ptr<RuleBook> rule, int client, Endpoint client_endpoint)
    : worker_(worker),
      rule_(std::move(rule)),
      client_(*this),
      server_(*this),
      client_endpoint_(client_endpoint) {
    client_.fd = client;
}

Flow::~Flow() {
    reset();
}

void Flow::connect() {
    while (true) {
        std::vector<std::size_t> tried;
        for (const auto& before : tried_) {
            const auto& all = rule_->backends;
            const auto found = std::find(all.begin(), all.end(), before);
            if (found != all.end()) tried.push_back(static_cast<std::size_t>(found - all.begin()));
        }
        const auto place = route(rule_->plan, client_endpoint_, tried);
        if (!place) {
            ++rule_->refused_no_backend;
            reset();
            return;
        }
        backend_ = rule_->backends[*place];
        last_activity_ = worker_.now();
        server_.readable = server_.writable = server_.ending = false;
        server_.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int error = server_.fd < 0 ? errno : 0;
        if (error == 0) {
            send_at_once(server_.fd);
            const sockaddr_in target = to_sockaddr({backend_->address, rule_->plan.backend_port});
            if (::connect(server_.fd, reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0 &&
                errno != EINPROGRESS)
                error = errno;
        }
        if (error == 0) error = worker_.readiness().watch(server_.fd, ReadinessSet::both_ways_edge, server_);
        if (error == 0) {
            worker_.schedule(*this, worker_.now() + worker_.plan().connect_timeout);
            return;
        }
        attempt_failed(error);
    }
}

void Flow::attempt_failed(int error) {
    attempt_failed(words_for(boost::system::error_code(error, boost::system::system_category())));
}

// Afterwards the next attempt is the caller's.
void Flow::attempt_failed(const std::string& words) {
    close_socket(server_.fd, true);
    cancel();
    ++backend_->counters.failed;
    worker_.report_attempt(rule_->plan.name, backend_->host, client_endpoint_,
                           fmt::format("connect to {} {} after {}",
                                       to_string(Endpoint{backend_->address, rule_->plan.backend_port}),
                                       words, format_latency(worker_.now() - last_activity_)));
    tried_.push_back(std::move(backend_));
}

void Flow::plan_changed() {
    if (stage_ == Stage::established) {
        // The rule's idle timeout may have become shorter.
        const Instant due = last_activity_ + rule_->plan.idle_timeout;
        if (watched_for_long_ && waiting() && due < TimerWheel::Entry::due()) worker_.schedule(*this, due);
        return;
    }
    if (stage_ != Stage::connecting || backend_ == nullptr) return;
    const auto& eligible = rule_->plan.eligible;
    const bool stays = std::any_of(eligible.begin(), eligible.end(), [&](const Candidate& candidate) {
        return rule_->backends[candidate.backend] == backend_;
    });
    if (stays) return;
    attempt_failed("given up: it takes no new connections any more");
    connect();
}

void Flow::connected() {
    stage_ = Stage::established;
    tried_ = {};
    ++backend_->counters.total;
    ++backend_->counters.established;
    last_activity_ = worker_.now();
    worker_.schedule(*this, last_activity_ + std::min(rule_->plan.idle_timeout, long_lived));
    if (rule_->plan.proxy_protocol && !send_header()) return reset();
    // What the client has sent meanwhile goes on at once. Watched only afterwards, its readiness of before
    // isn't told a second time.
    server_.writable = client_.readable = client_.writable = true;
    move(client_, server_, to_server_, backend_->counters.bytes_to_backend);
    if (over()) return;
    if (worker_.readiness().watch(client_.fd, ReadinessSet::both_ways_edge, client_) != 0) return reset();
    if (server_.readable) move(server_, client_, to_client_, backend_->counters.bytes_to_client);
}

// A connection that has carried nothing yet has room for so little; one that hasn't is as good as dead.
bool Flow::send_header() {
    const auto header = write_proxy_header(client_endpoint_, rule_->plan.frontend);
    return ::send(server_.fd, header.data(), header.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(header.size());
}

void Flow::on_ready(Side& side, std::uint32_t events) {
    if (stage_ == Stage::over) return;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) side.readable = true;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) side.ending = true;
    if (stage_ == Stage::connecting) {
        if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
            const int error = socket_error(server_.fd);
            attempt_failed(error == 0 ? ECONNRESET : error);
            connect();
        } else if ((events & EPOLLOUT) != 0) {
            connected();
        }
        return;
    }
    if ((events & EPOLLOUT) != 0) side.writable = true;
    const bool from_client = &side == &client_;
    Side& other = from_client ? server_ : client_;
    auto& counters = backend_->counters;
    if (side.readable)
        move(side, other, from_client ? to_server_ : to_client_,
             from_client ? counters.bytes_to_backend : counters.bytes_to_client);
    if (!over() && (events & EPOLLOUT) != 0)
        move(other, side, from_client ? to_client_ : to_server_,
             from_client ? counters.bytes_to_client : counters.bytes_to_backend);
    // What a failed side had still sent has been passed on as far as it could.
    if (!over() && (events & EPOLLERR) != 0) reset();
}

void Flow::go_on() {
    if (stage_ != Stage::established) return;
    move(client_, server_, to_server_, backend_->counters.bytes_to_backend);
    if (!over()) move(server_, client_, to_client_, backend_->counters.bytes_to_client);
}

void Flow::move(Side& from, Side& to, Transfer& transfer, std::uint64_t& moved) {
    if (transfer.ended()) return;
    const std::uint64_t before = moved;
    const TransferState state = transfer.run(from, to, worker_.tools(), moved);
    if (moved != before) last_activity_ = worker_.now();
    if (state == TransferState::unspent) worker_.queue(*this);
    if (state == TransferState::ended) direction_ended(to);
    if (state == TransferState::failed) reset();
}

void Flow::direction_ended(Side& to) {
    last_activity_ = worker_.now();
    if (to_server_.ended() && to_client_.ended()) {
        end();  // closing tells the other side too
        return;
    }
    // A receiver that has gone already says so by itself, by a reset or its own end.
    ::shutdown(to.fd, SHUT_WR);
}

void Flow::on_timeout() {
    if (stage_ == Stage::connecting) {
        attempt_failed(ETIMEDOUT);
        connect();
        return;
    }
    const Instant idle_at = last_activity_ + rule_->plan.idle_timeout;
    if (worker_.now() >= idle_at) {
        ++rule_->idle_timeouts;
        reset();
        return;
    }
    if (!watched_for_long_) {
        watched_for_long_ = true;
        find_dead_peers(client_.fd, worker_.plan().dead_peer_timeout);
        find_dead_peers(server_.fd, worker_.plan().dead_peer_timeout);
        // Only towards the backend: on Linux this also ends a connection whose receiver keeps its window shut
        // for so long, which a slow client may.
        limit_unacknowledged(server_.fd, worker_.plan().dead_peer_timeout);
    }
    worker_.schedule(*this, idle_at);
}

void Flow::reset() {
    if (stage_ == Stage::over) return;
    close_socket(client_.fd, true);
    close_socket(server_.fd, true);
    end();
}

void Flow::end() {
    if (stage_ == Stage::established) --backend_->counters.established;
    stage_ = Stage::over;
    cancel();
    to_server_.abandon(worker_.tools());
    to_client_.abandon(worker_.tools());
    close_socket(client_.fd, false);
    close_socket(server_.fd, false);
    worker_.ended(*this);
}

}  // namespace understudy::lb
