// SPDX-License-Identifier: Apache-2.0
// The command line's end of a region's control socket: JSON objects, one a line, in both directions. A
// request is
// {"command": …}; its answer is {"ok": true, …} or {"ok": false, "kind", "subject", "reason", …}, which comes
// back as an Error. Streams (events, exec) are further lines after the answer. Blocking, one thread; every
// call has a limit.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/io/unique_fd.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace understudy::lab {

class ControlClient {
  public:
    // Connects to the region's supervisor; not running is an Error that says so.
    static Result<ControlClient> connect(const std::string& region_name);

    Result<json::object> request(const json::object& request, Duration limit);
    // What a command that runs is told beside: input, its end, a window's size. Where it has ended meanwhile,
    // and the connection with it, that is no failure: what it left, its exit status last, is still to be
    // read.
    void tell(const json::object& line);
    // The next line of a stream. Empty: the limit passed. An Error of kind `failed`: the supervisor closed.
    Result<std::optional<json::object>> next_line(Duration limit);

    pid_t supervisor_pid() const { return supervisor_pid_; }  // as seen from here
    int descriptor() const { return socket_.get(); }
    bool has_buffered_line() const { return buffer_.find('\n') != std::string::npos; }

  private:
    ControlClient(io::UniqueFd socket, std::string region_name, pid_t supervisor_pid)
        : socket_(std::move(socket)), region_name_(std::move(region_name)), supervisor_pid_(supervisor_pid) {}
    Result<void> send(const json::object& line);

    io::UniqueFd socket_;
    std::string region_name_;
    pid_t supervisor_pid_;
    std::string buffer_;
};

// An Error as the members of an answer, and back.
json::object to_json(const Error& error);
Error error_from_json(const json::object& answer);

// Bytes of exec streams inside JSON lines (RFC 4648).
std::string base64_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);

}  // namespace understudy::lab
