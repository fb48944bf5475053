// SPDX-License-Identifier: Apache-2.0
#include "storage/database/config.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "base/config/node.hpp"
#include "base/config/reader.hpp"

namespace understudy::database {
namespace {

// The first line of the file, without its end.
void read_password(const config::Value& path, std::string& password) {
    std::ifstream file(path.text());
    if (!file || !std::getline(file, password)) {
        path.refuse("cannot read a password from " + path.text() + ": " +
                    (errno != 0 ? std::strerror(errno) : "it is empty"));
        return;
    }
    if (!password.empty() && password.back() == '\r') password.pop_back();
    if (password.empty()) path.refuse("the password in " + path.text() + " is empty");
}

// Both or neither.
void read_tls(config::Mapping& top, Config& result) {
    const auto certificate = top.optional("tls_certificate"), key = top.optional("tls_key");
    if (certificate.has_value() != key.has_value())
        (certificate ? *certificate : *key)
            .refuse(certificate ? "needs tls_key too" : "needs tls_certificate too");
    if (!certificate || !key) return;
    auto loaded = TlsContext::load(certificate->text(), key->text());
    if (loaded.has_value()) {
        result.tls = std::move(*loaded);
        return;
    }
    const auto& error = loaded.error();
    (error.subject == key->text() ? *key : *certificate)
        .refuse(error.subject + " " + error.reason, error.remedy);
}

}  // namespace

Result<Config> read_config(const std::string& path) {
    UNDERSTUDY_TRY(const config::Node root, config::load_file(path));
    config::Diagnostics diagnostics;
    config::Mapping top(root, "", diagnostics);
    Config result;
    if (const auto value = top.required("listen")) result.listen = value->endpoint();
    if (const auto value = top.required("file")) result.file = value->text();
    if (const auto value = top.required("users")) {
        auto users = value->mapping();
        for (const auto& [name, user] : users.entries()) {
            auto members = user.mapping();
            errno = 0;
            if (const auto file = members.required("password_file"))
                read_password(*file, result.passwords[name]);
            members.refuse_unknown_keys();
        }
        if (value->is_mapping() && result.passwords.empty())
            value->refuse("has no user", "name at least one");
    }
    if (const auto value = top.optional("database")) result.database = value->text();
    if (const auto value = top.optional("max_connections"))
        result.max_connections = value->integer(1, 10'000);
    if (const auto value = top.optional("lock_timeout")) result.lock_timeout = value->duration(1ms, 1h);
    if (const auto value = top.optional("idle_in_transaction_timeout"))
        result.idle_in_transaction_timeout = value->duration(100ms, 24h);
    if (const auto value = top.optional("scram_iterations"))
        result.scram_iterations = static_cast<int>(value->integer(1, 10'000'000));
    if (const auto value = top.optional("admin_socket")) result.admin_socket = value->text();
    if (const auto value = top.optional("power_loss")) result.power_loss = value->boolean();
    if (const auto value = top.optional("slow_statement_ms"))
        result.slow_statement = std::chrono::milliseconds(value->integer(1, 86'400'000));
    read_tls(top, result);
    top.refuse_unknown_keys();
    UNDERSTUDY_CHECK(diagnostics.outcome());
    return result;
}

}  // namespace understudy::database
