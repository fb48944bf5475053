// SPDX-License-Identifier: Apache-2.0
#include "service.hpp"

#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "base/io/free_port.hpp"
#include "tests/support/eventually.hpp"

namespace understudy::files::testing {

bool kernel_maps_shared() {
    utsname name = {};
    int major = 0, minor = 0;
    if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return false;
    return major > 6 || (major == 6 && minor >= 6);
}

Result<std::unique_ptr<Service>> Service::start(int clients, const ServiceOptions& options) {
    if (std::string why = why_not(); !why.empty()) return Error(ErrorKind::environment, "file service", why);
    auto service = std::unique_ptr<Service>(new Service);
    service->address_ = options.address;
    service->port_ = io::free_port();
    if (::mkdir(service->local().c_str(), 0755) != 0) return system_error(service->local(), errno);
    std::ofstream config(service->scratch("files.yaml"));
    config << "listen: " << options.address << ":" << service->port_
           << "\nexports:\n  share:\n    path: " << service->data()
           << "\n    client_lease: " << options.client_lease
           << "\n    delegate_after: 20ms\n";  // so that it comes and goes
    if (!options.quota.empty()) config << "    quota: " << options.quota << "\n";
    config.close();
    UNDERSTUDY_CHECK(service->start_server());
    for (int i = 0; i < clients; ++i) UNDERSTUDY_CHECK(service->mount(i == 0 ? "a" : "b"));
    return service;
}

Result<void> Service::start_server() {
    server_.reset();  // the port must be free first
    server_ = std::make_unique<Program>(
        std::vector<std::string>{"understudy-files", "--config", scratch("files.yaml")});
    if (!test::eventually([&] { return server_->count("ready") == 1; }))
        return Error(ErrorKind::timeout, "understudy-files", "is not ready");
    return {};
}

Result<void> Service::mount(const std::string& client) {
    auto& mounted = mounts_[client];
    mounted.reset();
    mounted = std::make_unique<Program>(
        std::vector<std::string>{"understudy-mount", "--server", address_ + ":" + std::to_string(port_),
                                 "--export", "share", "--client", client, at(client)});
    if (!test::eventually([&] { return mounted->count("ready") == 1; }))
        return Error(ErrorKind::timeout, "understudy-mount of " + client, "is not ready");
    return {};
}

}  // namespace understudy::files::testing
