// SPDX-License-Identifier: Apache-2.0
#include "lb/admin/admin_server.hpp"

#include <fmt/format.h>

#include "base/prometheus_text.hpp"
#include "lb/admin/documents.hpp"

namespace understudy::lb {
Result<std::unique_ptr<AdminServer>> AdminServer::start(boost::asio::any_io_executor executor,
                                                        const std::string& path, LoadBalancer& balancer,
                                                        Reload reload) {
    std::unique_ptr<AdminServer> made(new AdminServer(balancer, std::move(reload)));
    UNDERSTUDY_TRY(made->socket_, io::AdminSocket::open(
                                      executor, path, [server = made.get()](const io::HttpRequest& request) {
                                          return server->answer(request);
                                      }));
    return made;
}

io::HttpResponse AdminServer::answer(const io::HttpRequest& request) {
    constexpr std::string_view backends = "/backends/";
    const bool reads = request.target == "/state" || request.target == "/metrics";
    const bool changes = request.target == "/reload" || request.target.starts_with(backends);
    if (!reads && !changes)
        return io::admin_refusal(
            404, fmt::format("{}: there is /state, /metrics, /reload, /backends/HOST/VERB", request.target));
    if (request.method != (reads ? "GET" : "POST"))
        return io::admin_refusal(405, fmt::format("{}: use {}", request.target, reads ? "GET" : "POST"));
    if (reads) {
        const auto snapshot = balancer_.snapshot();
        if (snapshot.has_error()) return io::admin_refusal(500, snapshot.error().message());
        if (request.target == "/metrics") return {200, metrics_text(*snapshot), prometheus_content_type};
        return io::admin_document(state_document(*snapshot, balancer_.config()));
    }
    if (request.target == "/reload") return io::admin_outcome(reload_());
    const std::string rest = request.target.substr(backends.size());
    const std::size_t slash = rest.find('/');
    if (slash == std::string::npos)
        return io::admin_refusal(404, request.target + ": write /backends/HOST/VERB");
    return change(rest.substr(0, slash), rest.substr(slash + 1));
}

io::HttpResponse AdminServer::change(const std::string& host, const std::string& verb) {
    if (verb == "enable") return io::admin_outcome(balancer_.enable(host));
    if (verb == "disable") return io::admin_outcome(balancer_.disable(host));
    if (verb == "drain") return io::admin_outcome(balancer_.drain(host));
    return io::admin_refusal(404, fmt::format("'{}': use enable, disable or drain", verb));
}

}  // namespace understudy::lb
