// SPDX-License-Identifier: Apache-2.0
// A listening Unix socket of mode 0600 that is removed with the object. A socket that nobody listens on any
// more (its owner was killed) is replaced; one that still answers is an error of kind environment, as is a
// path that is too long or a folder that can't be written. Threads: the executor's.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <string>
#include <utility>

#include "base/result.hpp"

namespace understudy::io {

class UnixListener {
  public:
    using Acceptor = boost::asio::local::stream_protocol::acceptor;

    static Result<UnixListener> open(boost::asio::any_io_executor executor, const std::string& path);
    UnixListener(UnixListener&& other) noexcept
        : acceptor_(std::move(other.acceptor_)), path_(std::exchange(other.path_, {})) {}
    UnixListener& operator=(UnixListener&&) = delete;
    ~UnixListener();

    Acceptor& acceptor() { return acceptor_; }

  private:
    UnixListener(Acceptor acceptor, std::string path)
        : acceptor_(std::move(acceptor)), path_(std::move(path)) {}

    Acceptor acceptor_;
    std::string path_;
};

}  // namespace understudy::io
