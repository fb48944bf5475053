// SPDX-License-Identifier: Apache-2.0
// Thousands of connections at once, their far ends in processes of their own, so that the descriptors of this
// one are left to the data path. A process made here ends with the object, or with this program.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "base/io/unique_fd.hpp"

namespace understudy::lb::conformance {

// Runs `work` in a child in the namespace this thread is in, with one end of a stream whose other end is
// `control` here. The child has no other descriptor above 2. `work` returns when its end says that it is
// over.
class HelperProcess {
  public:
    explicit HelperProcess(const std::function<void(int control)>& work, int kept = -1);
    ~HelperProcess();
    HelperProcess(const HelperProcess&) = delete;
    HelperProcess& operator=(const HelperProcess&) = delete;

    int control() const { return control_.get(); }

  private:
    io::UniqueFd control_;
    pid_t child_ = -1;
};

// Sends back what comes, ends a connection when its client does.
class HoldingBackend {
  public:
    HoldingBackend(const std::string& address, std::uint16_t port);

  private:
    io::UniqueFd listener_;
    HelperProcess process_;
};

// Connections to one endpoint that say nothing until they are asked to.
class Crowd {
  public:
    Crowd(const std::string& address, std::uint16_t port);

    // How many could be opened, from eight source addresses in turn.
    std::uint32_t open(std::uint32_t wanted);
    // Every `step`th sends a line; how many of them had it back.
    std::uint32_t ping(std::uint32_t step);

  private:
    std::uint32_t ask(char what, std::uint32_t number);
    HelperProcess process_;
};

}  // namespace understudy::lb::conformance
