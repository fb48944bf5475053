// SPDX-License-Identifier: Apache-2.0
// The administration of a running balancer: HTTP with JSON on a Unix socket of mode 0600.
//   GET  /state                            state_document()
//   GET  /metrics                          Prometheus' text format
//   POST /backends/HOST/enable|disable|drain
//   POST /reload                           reads the configuration file again
// What went well is {"ok":true} or the document, with status 200; what didn't {"error":MESSAGE} with 400 for
// what was asked wrongly, 404 for no such thing, 405 for another method, 500 otherwise. Ownership: keep the
// balancer until the server is gone. Threads: the executor's, one.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/io/http.hpp"
#include "base/io/unix_listener.hpp"
#include "base/result.hpp"
#include "lb/load_balancer.hpp"

namespace understudy::lb {

class AdminServer {
  public:
    using Reload = std::function<Result<void>()>;

    static Result<std::unique_ptr<AdminServer>> start(boost::asio::any_io_executor executor,
                                                      const std::string& path, LoadBalancer& balancer,
                                                      Reload reload);
    void stop();

  private:
    AdminServer(io::UnixListener listener, LoadBalancer& balancer, Reload reload);
    io::HttpResponse answer(const io::HttpRequest& request);
    io::HttpResponse change(const std::string& host, const std::string& verb);

    io::UnixListener listener_;
    LoadBalancer& balancer_;
    Reload reload_;
};

// One request to a server that runs: the document as text. Errors carry the server's own words.
Result<std::string> administrate(const std::string& path, const std::string& method,
                                 const std::string& target);

}  // namespace understudy::lb
