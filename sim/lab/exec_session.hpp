// SPDX-License-Identifier: Apache-2.0
// The control command `exec`: a program inside a host, its streams as lines on the connection.
//   request  {"host", "argv": […], "tty": bool, "rows", "columns"}    answer  {"ok": true}
//   to it    {"input": base64} · {"close_input": true} · {"rows", "columns"}
//   from it  {"data": base64} · {"data": base64, "stderr": true} · {"exit": status} at last
// The program is sent SIGHUP when the connection closes. One thread.
#pragma once

#include <memory>

#include "sim/lab/control_server.hpp"
#include "sim/lab/region.hpp"

namespace understudy::lab {

boost::asio::awaitable<void> run_exec(Region& region, std::shared_ptr<ControlConnection> connection,
                                      json::object request);

}  // namespace understudy::lab
