// SPDX-License-Identifier: Apache-2.0
// The administration of a running balancer: HTTP with JSON on a Unix socket of mode 0600.
//   GET  /state                            state_document()
//   GET  /metrics                          Prometheus' text format
//   POST /backends/HOST/enable|disable|drain
//   POST /reload                           reads the configuration file again
// Answers are those of base/io/admin_http.hpp. Ownership: keep the balancer until the server is gone.
// Threads: the executor's, one.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/io/admin_http.hpp"
#include "base/result.hpp"
#include "lb/load_balancer.hpp"

namespace understudy::lb {

class AdminServer {
  public:
    using Reload = std::function<Result<void>()>;

    static Result<std::unique_ptr<AdminServer>> start(boost::asio::any_io_executor executor,
                                                      const std::string& path, LoadBalancer& balancer,
                                                      Reload reload);
    void stop() { socket_->stop(); }

  private:
    AdminServer(LoadBalancer& balancer, Reload reload) : balancer_(balancer), reload_(std::move(reload)) {}
    io::HttpResponse answer(const io::HttpRequest& request);
    io::HttpResponse change(const std::string& host, const std::string& verb);

    LoadBalancer& balancer_;
    Reload reload_;
    std::unique_ptr<io::AdminSocket> socket_;
};

}  // namespace understudy::lb
