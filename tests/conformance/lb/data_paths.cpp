// SPDX-License-Identifier: Apache-2.0
#include "data_paths.hpp"

#include "lb/proxy/proxy.hpp"

namespace understudy::lb::conformance {
namespace {

NamedDataPath proxy(const std::string& name, int threads) {
    return {.name = name,
            .promises = {.retries_elsewhere = true,
                         .refuses_with_reset = true,
                         .ends_at_once = true,
                         .idle_end_is_always_told = true,
                         .finds_dead_peers = true,
                         .keeps_client_address = false,
                         .writes_proxy_header = true,
                         .limits_connections = true},
            .prepare =
                [threads](Config& config, const Network&) {
                    config.data_path = DataPathKind::proxy;
                    config.threads = threads;
                },
            .make =
                [](boost::asio::any_io_executor executor, DataPathObserver& observer) {
                    return std::make_unique<Proxy>(std::move(executor), observer);
                }};
}

}  // namespace

std::vector<NamedDataPath> data_paths() {
    return {proxy("proxy", 1), proxy("proxy_of_two_threads", 2)};
}

}  // namespace understudy::lb::conformance
