// SPDX-License-Identifier: Apache-2.0
// A short command inside a host, over its agent: what it printed and how it ended. Error kind failed when the
// host is off, timeout when the command takes longer than 10 s. One thread, the region's.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "sim/lab/host.hpp"
#include "sim/topology/topology.hpp"

namespace understudy::lab {

struct HostCommandOutcome {
    int status = 0;
    std::string out, err;
};

boost::asio::awaitable<Result<HostCommandOutcome>> run_in_host(std::shared_ptr<Host> host,
                                                               std::vector<std::string> argv);

// A file service's or a database's administration, with these words: `understudy-files admin`,
// `understudy-db admin`; of a PostgreSQL server `understudy-postgresql --read-only on|off`.
boost::asio::awaitable<Result<HostCommandOutcome>> ask_service(const topology::Topology& topology,
                                                               std::shared_ptr<Host> host,
                                                               std::vector<std::string> words);

// What a service answered to `state`, or {"error"}.
json::object state_of(const Result<HostCommandOutcome>& outcome);

}  // namespace understudy::lab
