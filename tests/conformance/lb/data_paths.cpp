// SPDX-License-Identifier: Apache-2.0
#include "data_paths.hpp"

#include "lb/passthrough/passthrough.hpp"
#include "lb/proxy/proxy.hpp"

namespace understudy::lb::conformance {
namespace {

NamedDataPath proxy(const std::string& name, int threads) {
    return {.name = name,
            .promises = {.retries_elsewhere = true,
                         .refuses_with_reset = true,
                         .refuses_ports_without_rule = true,
                         .ends_at_once = true,
                         .close_is_told = true,
                         .idle_end_is_always_told = true,
                         .finds_dead_peers = true,
                         .keeps_client_address = false,
                         .writes_proxy_header = true,
                         .limits_connections = true,
                         .descriptors_a_flow = 2},
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

NamedDataPath passthrough() {
    return {.name = "passthrough",
            .promises = {.retries_elsewhere = false,
                         .refuses_with_reset = false,
                         .refuses_ports_without_rule = false,
                         .ends_at_once = true,
                         .close_is_told = false,
                         .idle_end_is_always_told = false,
                         .finds_dead_peers = false,
                         .keeps_client_address = true,
                         .writes_proxy_header = false,
                         .limits_connections = false,
                         .descriptors_a_flow = 0},
            .prepare = [](Config& config, const Network&) { config.data_path = DataPathKind::passthrough; },
            .make = [](boost::asio::any_io_executor executor,
                       DataPathObserver&) { return std::make_unique<Passthrough>(std::move(executor)); }};
}

}  // namespace

std::vector<NamedDataPath> data_paths() {
    return {proxy("proxy", 1), proxy("proxy_of_two_threads", 2), passthrough()};
}

}  // namespace understudy::lb::conformance
