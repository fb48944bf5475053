// SPDX-License-Identifier: Apache-2.0
#include "sim/node/program.hpp"

#include <fmt/format.h>

#include "base/command_line/command_line.hpp"
#include "base/config/reader.hpp"
#include "base/io/log.hpp"
#include "sim/node/client.hpp"
#include "sim/node/network_map_server.hpp"
#include "sim/node/vault.hpp"

namespace understudy::node {
namespace {

int run_node(const std::string& config_path, const LedgerWrapper& wrap_ledger) {
    auto config = load_node_config(config_path);
    if (config.has_error()) return io::fail(config.error());
    // Not destroyed: the process ends by _exit, whatever its threads are doing.
    (new Node(std::move(*config), wrap_ledger))->run();
}

Result<std::string> audit_document(const std::string& config_path) {
    UNDERSTUDY_TRY(const config::Node tree, config::load_file(config_path));
    config::Diagnostics diagnostics;
    config::Mapping root = config::Value(tree, "", diagnostics).mapping();
    std::string legal_name;
    std::string password_file;
    DatabaseAddress database;
    if (const auto name = root.required("legal_name")) legal_name = name->text();
    if (const auto section = root.required("database")) database = read_database(*section, password_file);
    root.refuse_unknown_keys();
    UNDERSTUDY_CHECK(diagnostics.outcome());
    UNDERSTUDY_TRY(database.password, read_password(password_file));
    UNDERSTUDY_TRY(Connection connection, Connection::open(database));
    UNDERSTUDY_TRY(const Audit audit, vault::audit(connection, legal_name));
    return to_json(audit);
}

int run_audit(const std::string& config_path) {
    const auto document = audit_document(config_path);
    if (document.has_error()) return io::fail(document.error());
    fmt::print("{}\n", *document);
    return 0;
}

}  // namespace

int run_program(int argc, const char* const* argv, const LedgerWrapper& wrap_ledger) {
    command_line::CommandLine app(
        "understudy-node",
        "The Understudy region's node: a stand-in with the documented behaviour of a hot/cold node.");
    app.requires_subcommand();
    std::string config;
    const auto add = [&](const char* name, const char* what) {
        command_line::Command command = app.subcommand(name, what);
        command.option("--config", config, "configuration file (YAML)").required();
        return command;
    };
    const command_line::Command run =
        add("run", "Run a node: take the lease, lock the message journal, serve payments");
    const command_line::Command map =
        add("network-map", "Run the network map, whose entries are public addresses or names");
    const command_line::Command client = add("client", "Pay at a set rate and record every attempt");
    add("audit", "Print every payment in a party's database as one JSON document");
    if (const auto status = app.parse(argc, argv)) return *status;
    io::start_log(fmt::format("understudy-node {}", app.chosen_subcommand()));
    if (run.chosen()) return run_node(config, wrap_ledger);
    if (map.chosen()) return run_network_map(config);
    if (client.chosen()) return run_client(config);
    return run_audit(config);
}

}  // namespace understudy::node
