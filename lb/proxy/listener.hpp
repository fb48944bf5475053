// SPDX-License-Identifier: Apache-2.0
// The sockets that clients connect to. With several threads each has a listener of its own on the same
// endpoint (SO_REUSEPORT) and the kernel spreads the connections. Rule: socket(7), tcp(7).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/io/unique_fd.hpp"
#include "base/result.hpp"
#include "lb/proxy/books.hpp"
#include "lb/proxy/readiness.hpp"

namespace understudy::lb {

class Worker;

// `count` listening sockets on one endpoint. Error kind environment, subject `rule` and the endpoint: it is
// taken, forbidden, or not of this machine. A program that listens there is found even where the kernel would
// let us share its port.
Result<std::vector<io::UniqueFd>> listen_at(Endpoint endpoint, int count, const std::string& rule);

// A worker's listener while it is watched.
class Listener final : public ReadinessHandler {
  public:
    Listener(Worker& worker, Endpoint endpoint, io::UniqueFd socket);

    void on_ready(std::uint32_t events) override;

    const Endpoint endpoint;
    const io::UniqueFd socket;
    std::shared_ptr<RuleBook> rule;
    bool paused = false;

  private:
    Worker& worker_;
};

}  // namespace understudy::lb
