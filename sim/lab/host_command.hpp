// SPDX-License-Identifier: Apache-2.0
// A short command inside a host, over its agent: what it printed and how it ended. Error kind failed when the
// host is off, timeout when the command takes longer than 10 s. One thread, the region's.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sim/lab/host.hpp"

namespace understudy::lab {

struct HostCommandOutcome {
    int status = 0;
    std::string out, err;
};

boost::asio::awaitable<Result<HostCommandOutcome>> run_in_host(std::shared_ptr<Host> host,
                                                               std::vector<std::string> argv);

// `understudy-files admin` with these words.
boost::asio::awaitable<Result<HostCommandOutcome>> ask_file_service(std::shared_ptr<Host> host,
                                                                    std::vector<std::string> words);

}  // namespace understudy::lab
