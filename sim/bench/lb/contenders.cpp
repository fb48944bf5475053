// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/lb/contenders.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "base/io/clock.hpp"
#include "sim/bench/lb/server.hpp"
#include "sim/bench/lb/traffic.hpp"
#include "sim/bench/peers.hpp"

namespace understudy::bench {
namespace {

constexpr Duration answer_limit = 10s;
constexpr int balancer_processor = 1;
constexpr const char* haproxy_program = "/usr/sbin/haproxy";
constexpr const char* nginx_program = "/usr/sbin/nginx";
constexpr const char* nginx_stream = "/usr/lib/nginx/modules/ngx_stream_module.so";

// Probes a port apart from those that are measured.
std::string own_config(const std::string& data_path, const std::string& frontend, int connections) {
    std::string text = fmt::format(
        "name: bench-{0}\ndata_path: {0}\nfrontend: {{address: {1}}}\n"
        "backends: [{{host: backend, address: {2}}}]\n"
        "probes: {{up: {{protocol: tcp, port: {3}, interval: 1s, threshold: 2}}}}\nrules:\n"
        "  - {{name: answer, frontend_port: {4}, backend_port: {4}, probe: up}}\n"
        "  - {{name: bulk, frontend_port: {5}, backend_port: {5}, probe: up}}\n",
        data_path, frontend, backend_address, name_port, answer_port, bulk_port);
    if (data_path == "proxy") return text + fmt::format("max_connections: {}\n", connections);
    return text + "network_namespace: /proc/1/ns/net\n";
}

std::string haproxy_config(const std::string& frontend, int connections) {
    std::string text = fmt::format(
        "global\n  nbthread 1\n  maxpipes 64\n  maxconn {0}\ndefaults\n  mode tcp\n  option splice-auto\n  "
        "timeout "
        "connect "
        "3s\n  timeout client 4m\n  timeout server 4m\n  maxconn {0}\n",
        connections);
    for (const auto port : {answer_port, bulk_port})
        text += fmt::format("listen port{0}\n  bind {1}:{0}\n  server backend {2}:{0} check port {3}\n", port,
                            frontend, backend_address, name_port);
    return text;
}

std::string nginx_config(const std::string& frontend, const std::string& folder, const std::string& root) {
    std::string text = fmt::format(
        "load_module {1}{2};\ndaemon off;\nworker_processes 1;\n"
        "worker_rlimit_nofile 30000;\npid {0}/nginx.pid;\nerror_log stderr;\n"
        "events {{ worker_connections 26000; }}\nstream {{\n",
        folder, root, nginx_stream);
    for (const auto port : {answer_port, bulk_port})
        text += fmt::format("  server {{ listen {0}:{1}; proxy_pass {2}:{1}; proxy_timeout 4m; }}\n",
                            frontend, port, backend_address);
    return text + "}\n";
}

struct Start {
    std::string name;
    std::string address;
    Command command;
};

// nginx's memory is its worker's.
pid_t worker_of(pid_t master) {
    std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", master));
    pid_t child = master;
    children >> child;
    return child;
}

}  // namespace

Result<void> wait_until_it_answers(const Rig& rig, const std::string& host, Endpoint target,
                                   const std::string& log) {
    const Instant end = io::monotonic_now() + answer_limit;
    while (io::monotonic_now() < end) {
        Rate rate;
        rig.inside(host, [&] { rate = keep_asking(target, 1, 50ms); });
        if (rate.per_second > 0) return {};
    }
    return Error(ErrorKind::timeout, to_string(target),
                 fmt::format("did not answer within {}: {}", format_duration(answer_limit), last_line(log)));
}

const std::vector<std::string>& contender_names() {
    static const std::vector<std::string> names{"routed", "passthrough", "proxy", "haproxy", "nginx"};
    return names;
}

Result<std::vector<Contender>> start_contenders(Rig& rig, const ContenderOptions& options) {
    const std::string& folder = options.folder;
    const std::string lb = options.programs + "/understudy-lb";
    UNDERSTUDY_TRY(
        const auto root,
        root_of_peers(options.peers, {haproxy_program, nginx_program, nginx_stream},
                      "haproxy, nginx, libnginx-mod-stream", "run './dev bench lb', which fetches them"));
    const std::string libraries = libraries_of_peers(root);
    const int connections = options.connections + 50;  // what measures waits while others idle
    UNDERSTUDY_TRY(const auto pass, write_file(folder + "/passthrough.yaml",
                                               own_config("passthrough", "203.0.113.10", connections)));
    UNDERSTUDY_TRY(const auto proxy,
                   write_file(folder + "/proxy.yaml", own_config("proxy", "203.0.113.11", connections)));
    UNDERSTUDY_TRY(const auto ha,
                   write_file(folder + "/haproxy.cfg", haproxy_config("203.0.113.12", connections)));
    UNDERSTUDY_TRY(const auto ng,
                   write_file(folder + "/nginx.conf", nginx_config("203.0.113.13", folder, root)));
    const std::vector<Start> starts{
        {"passthrough", "203.0.113.10", {{lb, "--config", pass}}},
        {"proxy", "203.0.113.11", {{lb, "--config", proxy}}},
        {"haproxy", "203.0.113.12", {{root + haproxy_program, "-db", "-f", ha}, libraries}},
        {"nginx",
         "203.0.113.13",
         {{root + nginx_program, "-p", folder, "-e", "stderr", "-c", ng}, libraries}}};
    std::vector<Contender> contenders;
    UNDERSTUDY_TRY(const auto backend, parse_address(backend_address));
    contenders.push_back({"routed", backend, -1});
    for (const Start& start : starts) {
        if (std::find(options.names.begin(), options.names.end(), start.name) == options.names.end())
            continue;
        UNDERSTUDY_CHECK(rig.add_host(start.name, start.address));
        const std::string log = folder + "/" + start.name + ".log";
        UNDERSTUDY_TRY(const pid_t process, rig.run(start.name, balancer_processor, start.command, log));
        UNDERSTUDY_TRY(const auto address, parse_address(start.address));
        UNDERSTUDY_CHECK(wait_until_it_answers(rig, "client", {address, answer_port}, log));
        contenders.push_back({start.name, address, start.name == "nginx" ? worker_of(process) : process});
    }
    return contenders;
}

}  // namespace understudy::bench
