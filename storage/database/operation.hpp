// SPDX-License-Identifier: Apache-2.0
// How the service is run rather than what it serves: its faults, what it counts and what it reports. One for
// the service; sessions have a reference. Any thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <mutex>
#include <string>

#include "base/io/event_writer.hpp"
#include "base/time.hpp"
#include "storage/database/faults.hpp"
#include "storage/database/statistics.hpp"

namespace understudy::database {

class Operation {
  public:
    // slow_statement: statements that take so long are reported; 0: none.
    Operation(boost::asio::any_io_executor executor, io::EventWriter& events, Duration slow_statement)
        : faults(std::move(executor), events), events_(events), slow_statement_(slow_statement) {}

    Faults faults;
    Statistics statistics;

    // Of events that clients cause at will at most so many a second are reported; the others are counted.
    static constexpr int events_per_second = 100;
    void report(const char* name, const std::string& detail,
                std::map<std::string, AttributeValue> attributes);

    // An event "slow_statement" with the duration and the statement's text, cut to 500 bytes, if it took too
    // long. Values of parameters are not in it; those written into the text are.
    void statement_took(Duration took, const std::string& sql, const std::string& user);

  private:
    io::EventWriter& events_;
    Duration slow_statement_;
    std::mutex mutex_;
    Instant second_{};
    int reported_ = 0;
};

}  // namespace understudy::database
