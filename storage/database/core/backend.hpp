// SPDX-License-Identifier: Apache-2.0
// Encodes the messages that a server sends (PostgreSQL protocol 3.0, manual chapter 55.7) into a growing
// buffer, which take() hands over. Values of a row are already in their wire format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database/core/sql_error.hpp"

namespace understudy::database {

struct ColumnDescription {
    std::string name;
    std::uint32_t type = 25;       // OID
    std::int16_t type_bytes = -1;  // -1: of any length
    std::int16_t format = 0;
    std::int32_t typmod = -1;
};

class BackendWriter {
  public:
    void ssl_refused() { out_ += 'N'; }  // one bare byte, no message
    void ssl_accepted() { out_ += 'S'; }
    void authentication_sasl(const std::vector<std::string>& mechanisms);
    void authentication_sasl_continue(std::string_view data);
    void authentication_sasl_final(std::string_view data);
    void authentication_ok();
    void negotiate_protocol_version(const std::vector<std::string>& unknown_options);
    void parameter_status(std::string_view name, std::string_view value);
    void backend_key_data(std::int32_t process_id, std::int32_t secret);
    void ready_for_query(char transaction_status);  // 'I' idle, 'T' in a transaction, 'E' in a failed one
    void row_description(const std::vector<ColumnDescription>& columns);
    void no_data() { empty('n'); }
    void parameter_description(const std::vector<std::uint32_t>& types);
    void data_row(const std::vector<std::optional<std::string>>& values);
    void copy_in(std::size_t columns);  // in text
    void copy_out(std::size_t columns);
    void copy_data(std::string_view bytes);
    void copy_done() { empty('c'); }
    void command_complete(std::string_view tag);
    void empty_query_response() { empty('I'); }
    void parse_complete() { empty('1'); }
    void bind_complete() { empty('2'); }
    void close_complete() { empty('3'); }
    void notification(std::int32_t process_id, std::string_view channel, std::string_view payload);
    void portal_suspended() { empty('s'); }
    void error(const SqlError& error);
    void notice(std::string_view severity, std::string_view sqlstate, std::string_view message);

    std::size_t size() const { return out_.size(); }
    std::string take() { return std::exchange(out_, {}); }

  private:
    void empty(char type);
    std::size_t begin(char type);
    void end(std::size_t length_at);
    void int16(std::int16_t value);
    void int32(std::int32_t value);
    void string(std::string_view text);
    void fields(char type, std::string_view severity, std::string_view sqlstate, std::string_view message,
                const SqlError& more);
    void copy_formats(std::size_t columns);
    std::string out_;
};

}  // namespace understudy::database
