// SPDX-License-Identifier: Apache-2.0
// The data paths that the suite runs against, and what each promises where they may differ. A new one is
// added in data_paths.cpp and nowhere else.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "lb/data_path.hpp"
#include "network.hpp"

namespace understudy::lb::conformance {

struct Promises {
    // A flow whose backend doesn't answer reaches another one; otherwise its client has to try again.
    bool retries_elsewhere = false;
    // A flow that nobody takes is told so by a reset; otherwise it isn't answered.
    bool refuses_with_reset = false;
    // A SYN to a frontend's port that no rule has is refused; otherwise it isn't answered, as in the cloud.
    bool refuses_ports_without_rule = false;
    // A flow that is ended is told at once; otherwise at the next packet of either side.
    bool ends_at_once = false;
    // Closed, it resets its flows; otherwise it only stops carrying them.
    bool close_is_told = false;
    // An idle flow ends with a reset on both sides even where the rule doesn't ask for it; otherwise neither
    // hears of it.
    bool idle_end_is_always_told = false;
    // A flow whose backend acknowledges nothing for dead_peer_timeout is reset; otherwise it lasts,
    // and goes on when the backend is back.
    bool finds_dead_peers = false;
    // The backend sees the client's own address.
    bool keeps_client_address = false;
    // A rule may ask for a PROXY header; otherwise a configuration that does is bad input.
    bool writes_proxy_header = false;
    // Flows above max_connections are reset and counted; otherwise there is no such limit.
    bool limits_connections = false;
    // Descriptors of this program that a flow takes.
    unsigned descriptors_a_flow = 0;
};

struct NamedDataPath {
    std::string name;
    Promises promises;
    // Puts into a configuration what this data path needs of its own.
    std::function<void(Config&, const Network&)> prepare;
    // Called in the router's namespace.
    std::function<std::unique_ptr<DataPath>(boost::asio::any_io_executor, DataPathObserver&)> make;

    friend void PrintTo(const NamedDataPath& path, std::ostream* out) { *out << path.name; }
};

std::vector<NamedDataPath> data_paths();

}  // namespace understudy::lb::conformance
