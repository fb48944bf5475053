// SPDX-License-Identifier: Apache-2.0
// A 9P2000.L client that says exactly what a test wants it to, on a connection of its own to loopback.
// Blocking, with a limit of 20 s an answer. Also a server for such tests, whose exports a test writes itself.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "base/io/free_port.hpp"
#include "base/io/unique_fd.hpp"
#include "programs.hpp"
#include "storage/files/core/message.hpp"

namespace understudy::files::testing {

class Server {
  public:
    // `exports` is the mapping in YAML; "$" stands for the path of the directory.
    explicit Server(const std::string& exports, const std::string& more = {});
    std::uint16_t port() const { return port_; }
    const Directory& directory() const { return directory_; }
    Program& program() { return *program_; }
    bool started() const { return started_; }

  private:
    Directory directory_;
    std::uint16_t port_ = io::free_port();
    std::unique_ptr<Program> program_;
    bool started_ = false;
};

class Peer {
  public:
    explicit Peer(std::uint16_t port, std::uint32_t address = 0x7f000001);

    // Sends and waits for the answer of that tag. The reply is Rlerror{ETIMEDOUT} when none comes, and
    // Rlerror{ECONNRESET} when the connection ends.
    Body ask(Body request);

    // Tversion and Tattach as fid 0. The attach's reply.
    Body attach(const std::string& user, const std::string& share);

    template <typename Reply, typename Request>
    std::variant<Reply, int> get(Request request) {  // the reply or the errno; EPROTO for another message
        Body body = ask(std::move(request));
        if (auto* reply = std::get_if<Reply>(&body)) return std::move(*reply);
        if (auto* error = std::get_if<Rlerror>(&body)) return static_cast<int>(error->error);
        return EPROTO;
    }
    template <typename Reply, typename Request>
    int error_of(Request request) {  // 0: it worked
        auto outcome = get<Reply>(std::move(request));
        return std::holds_alternative<int>(outcome) ? std::get<int>(outcome) : 0;
    }

  private:
    bool read_exactly(std::string& into, std::size_t count);
    io::UniqueFd socket_;
    std::uint16_t next_tag_ = 1;
};

}  // namespace understudy::files::testing
