// SPDX-License-Identifier: Apache-2.0
// One file service and its mounts for a check, as the programs that people run: a server on one address, a
// share in a temporary folder, and a mount for each client at FOLDER/a, FOLDER/b. Beside the share lies
// `local`, a plain folder of the same file system: the oracle. Everything ends with the object. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "tests/integration/storage_files/programs.hpp"

namespace understudy::files::testing {

struct ServiceOptions {
    std::string client_lease = "5s";
    std::string quota;                  // of the share; empty: none
    std::string address = "127.0.0.1";  // where the server listens and the mounts find it
};

// Whether this kernel lets a file be mapped shared that is opened past the page cache: Linux 6.6 and later.
bool kernel_maps_shared();

class Service {
  public:
    // Starts the server and mounts for `clients` hosts, named a and b. Error kind environment where FUSE or
    // mounting isn't possible; timeout when a program isn't ready in time.
    static Result<std::unique_ptr<Service>> start(int clients, const ServiceOptions& options = {});

    Result<void> start_server();  // again, on the same port, after it was ended
    Result<void> mount(const std::string& client);

    Program& server() { return *server_; }
    Program& client(const std::string& name) { return *mounts_.at(name); }
    std::uint16_t port() const { return port_; }

    std::string at(const std::string& client, const std::string& path = {}) const {
        return directory_.path(path.empty() ? client : client + "/" + path);
    }
    std::string data(const std::string& path = {}) const { return at("data", path); }  // as the server has it
    std::string local(const std::string& path = {}) const { return at("local", path); }
    std::string scratch(const std::string& name) const { return directory_.path(name); }  // on neither

  private:
    Service() = default;

    Directory directory_;
    std::string address_;
    std::uint16_t port_ = 0;
    std::unique_ptr<Program> server_;
    std::map<std::string, std::unique_ptr<Program>> mounts_;
};

}  // namespace understudy::files::testing
