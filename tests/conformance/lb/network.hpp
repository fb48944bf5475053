// SPDX-License-Identifier: Apache-2.0
// A small internet for one test program: a client, a router on which the data path lives, and three backends,
// each a network namespace of its own.
//
//   client 198.51.100.2 (and .3 to .9) -- router 198.51.100.1, frontend 203.0.113.10, 192.0.2.1 --
//   192.0.2.11-13
//
// Nothing has a name outside the process: the namespaces are held by its descriptors and threads alone and
// are gone when it ends, however it ends. As root, or in a user namespace of its own where those are allowed.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>

#include "base/io/unique_fd.hpp"
#include "base/result.hpp"

namespace understudy::lb::conformance {

constexpr const char* client_address = "198.51.100.2";
constexpr const char* frontend_address = "203.0.113.10";
constexpr std::size_t backend_count = 3;
constexpr std::array<const char*, backend_count> backend_addresses{"192.0.2.11", "192.0.2.12", "192.0.2.13"};
constexpr std::array<const char*, backend_count> backend_names{"a", "b", "c"};

// Before main() has started a thread: becomes root of a user namespace of its own unless it is root already.
Result<void> become_network_administrator();

class Network {
  public:
    // Error kind environment: namespaces can't be had here; failed: a step of the set-up failed, with what it
    // printed.
    static Result<Network> make();

    // Runs `work` on this thread in that namespace. Sockets and threads made there stay there.
    void as_client(const std::function<void()>& work) const { in(client_, work); }
    void as_router(const std::function<void()>& work) const { in(router_, work); }
    void as_backend(std::size_t place, const std::function<void()>& work) const {
        in(backends_[place], work);
    }

    // From now on nothing that this backend sends arrives, as if it had lost power; and back.
    Result<void> silence(std::size_t place) const;
    Result<void> unsilence(std::size_t place) const;

    // Path of the router's namespace, good while this program runs.
    std::string router_path() const;

  private:
    void in(const io::UniqueFd& space, const std::function<void()>& work) const;

    io::UniqueFd own_;
    io::UniqueFd client_;
    io::UniqueFd router_;
    std::array<io::UniqueFd, backend_count> backends_;
};

}  // namespace understudy::lb::conformance
