// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/backend.hpp"

namespace understudy::database {

void BackendWriter::int16(std::int16_t value) {
    const auto bits = static_cast<std::uint16_t>(value);
    out_ += static_cast<char>(bits >> 8);
    out_ += static_cast<char>(bits & 0xff);
}

void BackendWriter::int32(std::int32_t value) {
    const auto bits = static_cast<std::uint32_t>(value);
    for (int shift = 24; shift >= 0; shift -= 8) out_ += static_cast<char>(bits >> shift & 0xff);
}

void BackendWriter::string(std::string_view text) {
    out_ += text.substr(0, text.find('\0'));
    out_ += '\0';
}

std::size_t BackendWriter::begin(char type) {
    out_ += type;
    out_.append(4, '\0');
    return out_.size() - 4;
}

void BackendWriter::end(std::size_t length_at) {
    const auto length = static_cast<std::uint32_t>(out_.size() - length_at);
    for (std::size_t i = 0; i < 4; ++i)
        out_[length_at + i] = static_cast<char>(length >> (24 - 8 * i) & 0xff);
}

void BackendWriter::empty(char type) {
    end(begin(type));
}

void BackendWriter::notification(std::int32_t process_id, std::string_view channel,
                                 std::string_view payload) {
    const auto at = begin('A');
    int32(process_id);
    string(channel);
    string(payload);
    end(at);
}

void BackendWriter::authentication_sasl(const std::vector<std::string>& mechanisms) {
    const auto at = begin('R');
    int32(10);
    for (const auto& mechanism : mechanisms) string(mechanism);
    out_ += '\0';
    end(at);
}

void BackendWriter::authentication_sasl_continue(std::string_view data) {
    const auto at = begin('R');
    int32(11);
    out_ += data;
    end(at);
}

void BackendWriter::authentication_sasl_final(std::string_view data) {
    const auto at = begin('R');
    int32(12);
    out_ += data;
    end(at);
}

void BackendWriter::authentication_ok() {
    const auto at = begin('R');
    int32(0);
    end(at);
}

void BackendWriter::negotiate_protocol_version(const std::vector<std::string>& unknown_options) {
    const auto at = begin('v');
    int32(0);
    int32(static_cast<std::int32_t>(unknown_options.size()));
    for (const auto& option : unknown_options) string(option);
    end(at);
}

void BackendWriter::parameter_status(std::string_view name, std::string_view value) {
    const auto at = begin('S');
    string(name);
    string(value);
    end(at);
}

void BackendWriter::backend_key_data(std::int32_t process_id, std::int32_t secret) {
    const auto at = begin('K');
    int32(process_id);
    int32(secret);
    end(at);
}

void BackendWriter::ready_for_query(char transaction_status) {
    const auto at = begin('Z');
    out_ += transaction_status;
    end(at);
}

void BackendWriter::row_description(const std::vector<ColumnDescription>& columns) {
    const auto at = begin('T');
    int16(static_cast<std::int16_t>(columns.size()));
    for (const auto& column : columns) {
        string(column.name);
        int32(0);  // no table OID
        int16(0);  // nor column number in it
        int32(static_cast<std::int32_t>(column.type));
        int16(column.type_bytes);
        int32(column.typmod);
        int16(column.format);
    }
    end(at);
}

void BackendWriter::parameter_description(const std::vector<std::uint32_t>& types) {
    const auto at = begin('t');
    int16(static_cast<std::int16_t>(types.size()));
    for (const auto type : types) int32(static_cast<std::int32_t>(type));
    end(at);
}

void BackendWriter::data_row(const std::vector<std::optional<std::string>>& values) {
    const auto at = begin('D');
    int16(static_cast<std::int16_t>(values.size()));
    for (const auto& value : values) {
        int32(value ? static_cast<std::int32_t>(value->size()) : -1);
        if (value) out_ += *value;
    }
    end(at);
}

void BackendWriter::copy_in(std::size_t columns) {
    const auto at = begin('G');
    copy_formats(columns);
    end(at);
}

void BackendWriter::copy_out(std::size_t columns) {
    const auto at = begin('H');
    copy_formats(columns);
    end(at);
}

void BackendWriter::copy_formats(std::size_t columns) {
    out_ += '\0';  // text, as a whole and for each column
    int16(static_cast<std::int16_t>(columns));
    for (std::size_t i = 0; i < columns; ++i) int16(0);
}

void BackendWriter::copy_data(std::string_view bytes) {
    const auto at = begin('d');
    out_ += bytes;
    end(at);
}

void BackendWriter::command_complete(std::string_view tag) {
    const auto at = begin('C');
    string(tag);
    end(at);
}

void BackendWriter::fields(char type, std::string_view severity, std::string_view sqlstate,
                           std::string_view message, const SqlError& more) {
    const auto at = begin(type);
    out_ += 'S';
    string(severity);
    out_ += 'V';
    string(severity);
    out_ += 'C';
    string(sqlstate);
    out_ += 'M';
    string(message);
    if (!more.hint.empty()) {
        out_ += 'H';
        string(more.hint);
    }
    if (more.position > 0) {
        out_ += 'P';
        string(std::to_string(more.position));
    }
    if (!more.context.empty()) {
        out_ += 'W';
        string(more.context);
    }
    out_ += '\0';
    end(at);
}

void BackendWriter::error(const SqlError& error) {
    fields('E', error.fatal ? "FATAL" : "ERROR", error.sqlstate, error.message, error);
}

void BackendWriter::notice(std::string_view severity, std::string_view sqlstate, std::string_view message) {
    fields('N', severity, sqlstate, message, {});
}

}  // namespace understudy::database
