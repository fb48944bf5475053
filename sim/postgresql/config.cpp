// SPDX-License-Identifier: Apache-2.0
#include "sim/postgresql/config.hpp"

#include "base/config/node.hpp"
#include "base/config/reader.hpp"
#include "sim/node/node_config.hpp"

namespace understudy::postgresql {
namespace {

void read_text(config::Mapping& mapping, const char* key, std::string& text) {
    const auto value = mapping.required(key);
    if (!value) return;
    text = value->text();
    if (text.empty() && value->is_scalar()) value->refuse("is empty");
}

void read_users(const config::Value& section, Config& config) {
    config::Mapping users = section.mapping();
    for (const auto& [name, user] : users.entries()) {
        config::Mapping members = user.mapping();
        if (const auto file = members.required("password_file")) {
            auto password = node::read_password(file->text());
            if (password.has_error())
                file->refuse("cannot read a password from it: " + password.error().reason);
            else if (password->empty())
                file->refuse("its first line is empty", "write the password there");
            else
                config.passwords[name] = std::move(*password);
        }
        members.refuse_unknown_keys();
    }
}

}  // namespace

Result<Config> read_config(const std::string& path) {
    UNDERSTUDY_TRY(const config::Node tree, config::load_file(path));
    config::Diagnostics diagnostics;
    config::Mapping root = config::Value(tree, "", diagnostics).mapping();
    Config config;
    if (const auto listen = root.required("listen")) config.listen = listen->endpoint();
    read_text(root, "data", config.data);
    read_text(root, "template", config.template_directory);
    read_text(root, "settings", config.settings);
    read_text(root, "sockets", config.sockets);
    read_text(root, "superuser", config.superuser);
    read_text(root, "database", config.database);
    if (const auto users = root.required("users")) read_users(*users, config);
    if (const auto iterations = root.optional("scram_iterations"))
        config.scram_iterations = static_cast<int>(iterations->integer(1, 10'000'000));
    root.refuse_unknown_keys();
    UNDERSTUDY_CHECK(diagnostics.outcome());
    return config;
}

}  // namespace understudy::postgresql
