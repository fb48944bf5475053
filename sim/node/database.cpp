// SPDX-License-Identifier: Apache-2.0
#include "sim/node/database.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/address.hpp"

namespace understudy::node {
namespace {

using Answer = std::unique_ptr<PGresult, decltype(&::PQclear)>;

std::string one_line(const char* message) {
    std::string text = message == nullptr ? "" : message;
    std::replace(text.begin(), text.end(), '\n', ' ');
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text.empty() ? "no reason given" : text;
}

void log_notice(void*, const char* message) {
    spdlog::debug("database: {}", one_line(message));
}

}  // namespace

Result<Connection> Connection::open(const DatabaseAddress& address) {
    const auto seconds =
        std::max<std::int64_t>(2, std::chrono::ceil<std::chrono::seconds>(address.dead_after).count());
    const std::string port = std::to_string(address.port);
    const std::string connect_timeout = std::to_string(seconds);
    const std::string user_timeout =
        std::to_string(std::chrono::ceil<std::chrono::milliseconds>(address.dead_after).count());
    const bool numeric = parse_address(address.host).has_value();
    // No TLS and no GSS negotiation: each costs a round trip and, on an emulated processor, library start-up.
    const std::array<std::pair<const char*, const char*>, 14> options{
        {{numeric ? "hostaddr" : "host", address.host.c_str()},
         {"port", port.c_str()},
         {"dbname", address.name.c_str()},
         {"user", address.user.c_str()},
         {"password", address.password.c_str()},
         {"sslmode", "disable"},
         {"gssencmode", "disable"},
         {"application_name", "understudy-node"},
         {"connect_timeout", connect_timeout.c_str()},
         {"tcp_user_timeout", user_timeout.c_str()},
         {"keepalives", "1"},
         {"keepalives_idle", "1"},
         {"keepalives_interval", "1"},
         {"keepalives_count", "3"}}};
    std::vector<const char*> keys;
    std::vector<const char*> values;
    for (const auto& [key, value] : options) {
        keys.push_back(key);
        values.push_back(value);
    }
    keys.push_back(nullptr);
    values.push_back(nullptr);
    const std::string subject = fmt::format("database {}:{}/{}", address.host, address.port, address.name);
    Connection connection(::PQconnectdbParams(keys.data(), values.data(), 0), subject);
    if (connection.connection_ == nullptr) return Error(ErrorKind::environment, subject, "out of memory");
    if (::PQstatus(connection.connection_.get()) != CONNECTION_OK) return connection.last_error();
    ::PQsetNoticeProcessor(connection.connection_.get(), &log_notice, nullptr);
    return connection;
}

Result<QueryAnswer> Connection::query(const std::string& sql, const std::vector<std::string>& parameters) {
    std::vector<const char*> values;
    for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
    const Answer answer(::PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()),
                                       nullptr, values.data(), nullptr, nullptr, 0),
                        &::PQclear);
    const ExecStatusType status = ::PQresultStatus(answer.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) return last_error();
    QueryAnswer result;
    for (int row = 0; row < ::PQntuples(answer.get()); ++row) {
        Row values_of_row;
        for (int column = 0; column < ::PQnfields(answer.get()); ++column) {
            if (::PQgetisnull(answer.get(), row, column))
                values_of_row.emplace_back();
            else
                values_of_row.emplace_back(::PQgetvalue(answer.get(), row, column));
        }
        result.rows.push_back(std::move(values_of_row));
    }
    const std::string affected = ::PQcmdTuples(answer.get());
    if (const auto count = to_integer(affected); count.has_value()) result.affected = *count;
    return result;
}

Result<void> Connection::execute(const std::string& sql) {
    UNDERSTUDY_CHECK(query(sql));
    return {};
}

Error Connection::last_error() const {
    const bool gone = ::PQstatus(connection_.get()) != CONNECTION_OK;
    return Error(gone ? ErrorKind::environment : ErrorKind::failed, subject_,
                 one_line(::PQerrorMessage(connection_.get())));
}

Result<std::int64_t> to_integer(const std::optional<std::string>& value) {
    std::int64_t parsed = 0;
    if (value) {
        const char* const end = value->data() + value->size();
        const auto [after, failure] = std::from_chars(value->data(), end, parsed);
        if (failure == std::errc() && after == end) return parsed;
    }
    return Error(ErrorKind::failed, "database",
                 fmt::format("'{}' is not a whole number", value.value_or("NULL")));
}

}  // namespace understudy::node
