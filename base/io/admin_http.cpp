// SPDX-License-Identifier: Apache-2.0
#include "base/io/admin_http.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "base/json_text.hpp"

namespace understudy::io {
namespace {

namespace asio = boost::asio;

constexpr Duration request_limit = 10s;

}  // namespace

HttpResponse admin_document(const json::object& held, int status) {
    return {status, json::serialize(held) + "\n", "application/json"};
}

HttpResponse admin_refusal(int status, const std::string& message) {
    return admin_document({{"error", message}}, status);
}

HttpResponse admin_outcome(const Result<void>& result) {
    if (result.has_value()) return admin_document({{"ok", true}});
    return admin_refusal(result.error().kind == ErrorKind::bad_input ? 400 : 500, result.error().message());
}

Result<std::unique_ptr<AdminSocket>> AdminSocket::open(asio::any_io_executor executor,
                                                       const std::string& path, Answer answer) {
    UNDERSTUDY_TRY(auto listener, UnixListener::open(executor, path));
    std::unique_ptr<AdminSocket> made(new AdminSocket(std::move(listener)));
    const HttpHandler handler =
        [answer = std::move(answer)](HttpRequest request) -> asio::awaitable<HttpResponse> {
        co_return answer(request);
    };
    asio::co_spawn(executor, serve_http(made->listener_.acceptor(), handler), asio::detached);
    return made;
}

void AdminSocket::stop() {
    boost::system::error_code ignored;
    listener_.acceptor().close(ignored);
}

Result<std::string> administrate(const std::string& path, const std::string& method,
                                 const std::string& target, const std::string& body) {
    asio::io_context context(1);
    Result<HttpResponse> answered = Error(ErrorKind::failed, path, "did not answer");
    const auto ask = [&]() -> asio::awaitable<void> {
        HttpRequest request;
        request.method = method;
        request.target = target;
        request.body = body;
        answered = co_await http_request_unix(path, std::move(request), request_limit);
    };
    asio::co_spawn(context, ask(), asio::detached);
    context.run();
    if (answered.has_error()) return answered.error();
    if (answered->status == 200) return answered->body;
    boost::system::error_code failure;
    const json::value parsed = json::parse(answered->body, failure);
    const std::string message = !failure && parsed.is_object() ? text_of(parsed.get_object(), "error") : "";
    return Error(answered->status == 500 ? ErrorKind::failed : ErrorKind::bad_input, method + " " + target,
                 message.empty() ? fmt::format("status {}", answered->status) : message);
}

}  // namespace understudy::io
