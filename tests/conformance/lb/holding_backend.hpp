// SPDX-License-Identifier: Apache-2.0
// A backend for thousands of connections on one thread: sends back what comes, ends a connection when its
// client does. Made in the namespace it is to serve in.
#pragma once

#include <string>
#include <thread>

#include "base/io/unique_fd.hpp"

namespace understudy::lb::conformance {

class HoldingBackend {
  public:
    HoldingBackend(const std::string& address, std::uint16_t port);
    ~HoldingBackend();

  private:
    void serve();
    io::UniqueFd listener_;
    io::UniqueFd stop_;
    io::UniqueFd epoll_;
    std::thread thread_;
};

}  // namespace understudy::lb::conformance
