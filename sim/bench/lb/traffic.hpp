// SPDX-License-Identifier: Apache-2.0
// What a bench's client does, each by one thread with one epoll, in the namespace it is called in. A
// connection that fails is opened again and counted: a figure with many failures is no figure. Rates are of
// the time from the first to the last answer within `length`.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::bench {

struct Rate {
    double per_second = 0;  // answers, connections or bytes
    std::uint64_t failures = 0;
};

// `connections` at once, each asking again as soon as it has its answer.
Rate keep_asking(Endpoint target, int connections, Duration length);

// `at_once` at a time: connect, ask once, close.
Rate connect_and_ask(Endpoint target, int at_once, Duration length);

// Reads from `connections` as fast as they send.
Rate read_bulk(Endpoint target, int connections, Duration length);

struct Latency {
    Duration median{0};
    Duration p99{0};
    std::uint64_t failures = 0;
};

class ConnectionSet;

// Asks at a set rate, evenly over its connections; the time of each answer is counted from the moment it was
// due to be asked for, so that a stall counts for everyone it keeps waiting. Asks for a short time and goes
// on later, so that several can be measured in turn.
class EvenAsker {
  public:
    EvenAsker(Endpoint target, int connections);  // opens them
    EvenAsker(EvenAsker&&) noexcept;
    EvenAsker& operator=(EvenAsker&&) noexcept;
    ~EvenAsker();

    void ask(int rate, Duration length);  // so many a second
    Latency latency() const;              // of all answers until now

  private:
    std::unique_ptr<ConnectionSet> client_;
    std::vector<Duration> times_;
    std::size_t next_ = 0;  // whose turn it is
};

// Open connections that have had one answer each; closed with the object.
class IdleConnections {
  public:
    static Result<IdleConnections> open(Endpoint target, int count, Duration limit);
    IdleConnections(IdleConnections&& other) noexcept : descriptors_(std::move(other.descriptors_)) {}
    IdleConnections& operator=(IdleConnections&&) = delete;
    ~IdleConnections();

  private:
    explicit IdleConnections(std::vector<int> descriptors) : descriptors_(std::move(descriptors)) {}
    std::vector<int> descriptors_;
};

}  // namespace understudy::bench
