// SPDX-License-Identifier: Apache-2.0
// The administration of a running file service (base/io/admin_http.hpp):
//   GET  /state                   state_document()
//   GET  /sessions|/locks|/faults that part of it
//   GET  /metrics                 Prometheus' text format
//   POST /faults                  {"kind", and words of fault.hpp, "share" (where there are several), "id"};
//   the
//                                 answer has the fault's id
//   POST /faults/ID/heal
//   POST /sessions/CLIENT/end     its locks are free at once; it has to mount anew
// Ownership: keep the server until this is gone. Threads: the executor's, one.
#pragma once

#include <memory>
#include <string>

#include "base/io/admin_http.hpp"
#include "storage/files/server/server.hpp"

namespace understudy::files {

class AdminServer {
  public:
    static Result<std::unique_ptr<AdminServer>> start(boost::asio::any_io_executor executor,
                                                      const std::string& path, Server& server);
    void stop() { socket_->stop(); }

  private:
    explicit AdminServer(Server& server) : server_(server) {}
    io::HttpResponse answer(const io::HttpRequest& request);
    io::HttpResponse post(const io::HttpRequest& request);
    io::HttpResponse apply(const std::string& body);
    io::HttpResponse heal(const std::string& id);
    io::HttpResponse end_sessions(const std::string& client);

    Server& server_;
    std::unique_ptr<io::AdminSocket> socket_;
    std::uint64_t next_fault_ = 1;
};

}  // namespace understudy::files
