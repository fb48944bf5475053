// SPDX-License-Identifier: Apache-2.0
// A node's side of the network map: publishes its own NodeInfo and looks up other parties' addresses, which
// it remembers, since a party's entry doesn't change at its failover. Errors of publish(): bad_input when the
// map refused the entry, else it was not reached. lookup(): bad_input when there is no such party.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "sim/node/core/network_map.hpp"

namespace understudy::node {

class NetworkMapClient {
  public:
    explicit NetworkMapClient(Endpoint service) : service_(service) {}

    boost::asio::awaitable<Result<void>> publish(NodeInfo info);
    boost::asio::awaitable<Result<std::vector<HostPort>>> lookup(std::string legal_name);
    // The next lookup asks the map again; while that is out of reach, what was known still counts.
    void doubt(const std::string& legal_name) {
        if (const auto found = known_.find(legal_name); found != known_.end()) found->second.doubted = true;
    }

  private:
    boost::asio::awaitable<Result<std::vector<HostPort>>> ask(std::string legal_name);

    Endpoint service_;
    struct Known {
        std::vector<HostPort> addresses;
        bool doubted = false;
    };
    std::map<std::string, Known> known_;
};

// Percent-encodes everything but unreserved characters (RFC 3986, 2.3); decodes it.
std::string percent_encode(const std::string& text);
std::string percent_decode(const std::string& text);

}  // namespace understudy::node
