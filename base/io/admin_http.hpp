// SPDX-License-Identifier: Apache-2.0
// The administration of a running daemon: HTTP with JSON on a Unix socket of mode 0600. What went well is
// {"ok":true} or a document, with status 200; what didn't {"error":MESSAGE} with 400 for what was asked
// wrongly, 404 for no such thing, 405 for another method, 500 otherwise. Threads: the executor's, one.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/io/http.hpp"
#include "base/io/unix_listener.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace understudy::io {

HttpResponse admin_document(const json::object& held, int status = 200);
HttpResponse admin_refusal(int status, const std::string& message);
HttpResponse admin_outcome(const Result<void>& result);

class AdminSocket {
  public:
    using Answer = std::function<HttpResponse(const HttpRequest&)>;

    // Error kind environment. Keep what `answer` uses until the executor's context has run out of work after
    // stop().
    static Result<std::unique_ptr<AdminSocket>> open(boost::asio::any_io_executor executor,
                                                     const std::string& path, Answer answer);
    void stop();

  private:
    explicit AdminSocket(UnixListener listener) : listener_(std::move(listener)) {}
    UnixListener listener_;
};

// One request to a daemon that runs: the document as text. Errors carry the daemon's own words.
Result<std::string> administrate(const std::string& path, const std::string& method,
                                 const std::string& target, const std::string& body = {});

}  // namespace understudy::io
