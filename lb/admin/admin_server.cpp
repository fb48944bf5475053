// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/admin_server.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "base/json_text.hpp"
#include "lb/admin/documents.hpp"

namespace understudy::lb {
namespace {

namespace asio = boost::asio;

constexpr Duration request_limit = 10s;

io::HttpResponse document(const json::object& held, int status = 200) {
    return {status, json::serialize(held) + "\n", "application/json"};
}

io::HttpResponse refused(int status, const std::string& message) {
    return document({{"error", message}}, status);
}

io::HttpResponse outcome(const Result<void>& result) {
    if (result.has_value()) return document({{"ok", true}});
    return refused(result.error().kind == ErrorKind::bad_input ? 400 : 500, result.error().message());
}

}  // namespace

Result<std::unique_ptr<AdminServer>> AdminServer::start(asio::any_io_executor executor,
                                                        const std::string& path, LoadBalancer& balancer,
                                                        Reload reload) {
    UNDERSTUDY_TRY(auto listener, io::UnixListener::open(executor, path));
    std::unique_ptr<AdminServer> made(new AdminServer(std::move(listener), balancer, std::move(reload)));
    const io::HttpHandler handler =
        [server = made.get()](io::HttpRequest request) -> asio::awaitable<io::HttpResponse> {
        co_return server->answer(request);
    };
    asio::co_spawn(executor, io::serve_http(made->listener_.acceptor(), handler), asio::detached);
    return made;
}

AdminServer::AdminServer(io::UnixListener listener, LoadBalancer& balancer, Reload reload)
    : listener_(std::move(listener)), balancer_(balancer), reload_(std::move(reload)) {}

void AdminServer::stop() {
    boost::system::error_code ignored;
    listener_.acceptor().close(ignored);
}

io::HttpResponse AdminServer::answer(const io::HttpRequest& request) {
    constexpr std::string_view backends = "/backends/";
    const bool reads = request.target == "/state" || request.target == "/metrics";
    const bool changes = request.target == "/reload" || request.target.starts_with(backends);
    if (!reads && !changes)
        return refused(
            404, fmt::format("{}: there is /state, /metrics, /reload, /backends/HOST/VERB", request.target));
    if (request.method != (reads ? "GET" : "POST"))
        return refused(405, fmt::format("{}: use {}", request.target, reads ? "GET" : "POST"));
    if (reads) {
        const auto snapshot = balancer_.snapshot();
        if (snapshot.has_error()) return refused(500, snapshot.error().message());
        if (request.target == "/metrics") return {200, metrics_text(*snapshot), "text/plain; version=0.0.4"};
        return document(state_document(*snapshot, balancer_.config()));
    }
    if (request.target == "/reload") return outcome(reload_());
    const std::string rest = request.target.substr(backends.size());
    const std::size_t slash = rest.find('/');
    if (slash == std::string::npos) return refused(404, request.target + ": write /backends/HOST/VERB");
    return change(rest.substr(0, slash), rest.substr(slash + 1));
}

io::HttpResponse AdminServer::change(const std::string& host, const std::string& verb) {
    if (verb == "enable") return outcome(balancer_.enable(host));
    if (verb == "disable") return outcome(balancer_.disable(host));
    if (verb == "drain") return outcome(balancer_.drain(host));
    return refused(404, fmt::format("'{}': use enable, disable or drain", verb));
}

Result<std::string> administrate(const std::string& path, const std::string& method,
                                 const std::string& target) {
    asio::io_context context(1);
    Result<io::HttpResponse> answered = Error(ErrorKind::failed, path, "did not answer");
    const auto ask = [&]() -> asio::awaitable<void> {
        io::HttpRequest request;
        request.method = method;
        request.target = target;
        answered = co_await io::http_request_unix(path, std::move(request), request_limit);
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

}  // namespace understudy::lb
