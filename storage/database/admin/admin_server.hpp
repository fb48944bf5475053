// SPDX-License-Identifier: Apache-2.0
// The administration of a running database (base/io/admin_http.hpp):
//   GET  /state {"file","connections","max_connections","commits_waiting","frozen","clock_step_ms",
//                          "power_loss","faults":[{"id","kind","detail","age_ms","befell"}]}
//   GET  /faults           that part of it
//   GET  /metrics          Prometheus' text format
//   POST /faults           {"kind", and words of core/fault.hpp, "id"}; the answer has the fault's id
//   POST /faults/ID/heal
//   POST /backup           {"to": absolute path}: begins a copy of the file (copy.hpp)
//   GET  /backup           {"to","state": none|running|done|failed,"error","asked_wrongly"}
// Ownership: keep the server until this is gone. Threads: the executor's, one.
#pragma once

#include <memory>
#include <string>

#include "base/io/admin_http.hpp"
#include "storage/database/admin/backup.hpp"
#include "storage/database/server.hpp"

namespace understudy::database {

class AdminServer {
  public:
    static Result<std::unique_ptr<AdminServer>> start(Server& server, const std::string& path);
    void stop() { socket_->stop(); }

  private:
    explicit AdminServer(Server& server) : server_(server) {}
    io::HttpResponse answer(const io::HttpRequest& request);
    io::HttpResponse apply(const std::string& body);
    io::HttpResponse heal(const std::string& id);
    io::HttpResponse back_up(const io::HttpRequest& request);
    json::array faults() const;
    json::object state() const;
    std::string metrics() const;

    Server& server_;
    std::unique_ptr<io::AdminSocket> socket_;
    Backup backup_;
    std::uint64_t next_fault_ = 1;
};

// `understudy-db admin`, COMMAND [WORD]...: state, faults, metrics; fault KIND [KEY=VALUE]...; heal ID. The
// answer as text. Error kind bad_input: no such command, or what the service says of it.
Result<std::string> administer(const std::string& socket, const std::vector<std::string>& words);

// `understudy-db --backup`: where a service answers on `socket` (empty: none is asked), it makes the copy;
// otherwise the file is nobody's, and is copied here. Waits until the copy is whole, at most an hour.
Result<void> back_up(const std::string& socket, const std::string& from, const std::string& to);

}  // namespace understudy::database
