// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/copy_text.hpp"

#include <fmt/format.h>

namespace understudy::database {
namespace {

constexpr const char* bad_copy = "22P04";

void append_escaped(std::string& out, std::string_view text, char delimiter) {
    for (const char c : text) {
        switch (c) {
            case '\b':
                out += "\\b";
                break;
            case '\f':
                out += "\\f";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            case '\v':
                out += "\\v";
                break;
            case '\\':
                out += "\\\\";
                break;
            default:
                if (c == delimiter) out += '\\';
                out += c;
        }
    }
}

// One character or code after a backslash; moves `at` behind it.
char unescaped(std::string_view text, std::size_t& at) {
    const char c = text[at++];
    switch (c) {
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        case 'v':
            return '\v';
        default:
            break;
    }
    const auto digit = [&](int base) {
        if (at >= text.size()) return -1;
        const char d = text[at];
        const int value = d >= '0' && d <= '9'   ? d - '0'
                          : d >= 'a' && d <= 'f' ? d - 'a' + 10
                          : d >= 'A' && d <= 'F' ? d - 'A' + 10
                                                 : 99;
        return value < base ? value : -1;
    };
    if (c == 'x' && digit(16) >= 0) {
        int value = digit(16);
        ++at;
        if (digit(16) >= 0) value = value * 16 + digit(16), ++at;
        return static_cast<char>(value);
    }
    if (c >= '0' && c <= '7') {
        int value = c - '0';
        for (int i = 0; i < 2 && digit(8) >= 0; ++i, ++at) value = value * 8 + digit(8);
        return static_cast<char>(value & 0xff);
    }
    return c;
}

}  // namespace

SqlResult<void> CopyReader::append(std::string_view bytes) {
    if (ended_) return {};
    if (position_ > 0) {
        buffer_.erase(0, position_);
        position_ = 0;
    }
    buffer_.append(bytes);
    return {};
}

std::optional<std::size_t> CopyReader::line_end() {
    for (std::size_t at = position_ + scanned_; at < buffer_.size(); ++at) {
        const char c = buffer_[at];
        if (format_.csv && in_quotes_ && format_.escape != format_.quote && c == format_.escape) {
            ++at;  // what it escapes can't end the quotes
            if (at >= buffer_.size()) {
                scanned_ = at - 1 - position_;
                return std::nullopt;
            }
            continue;
        }
        if (format_.csv && c == format_.quote) in_quotes_ = !in_quotes_;
        if (!format_.csv && c == '\\') {
            if (at + 1 >= buffer_.size()) {
                scanned_ = at - position_;
                return std::nullopt;
            }
            ++at;
            continue;
        }
        if (c == '\n' && !in_quotes_) return at;
    }
    scanned_ = buffer_.size() - position_;
    return std::nullopt;
}

SqlResult<std::optional<CopyRow>> CopyReader::next() {
    if (ended_) return std::optional<CopyRow>{};
    const auto end = line_end();
    if (!end) {
        if (buffer_.size() - position_ > max_copy_line_bytes)
            return SqlError{sqlstate::limit_exceeded, fmt::format("COPY: line {} is longer than {} bytes",
                                                                  line_ + 1, max_copy_line_bytes)};
        return std::optional<CopyRow>{};
    }
    std::string_view line = std::string_view(buffer_).substr(position_, *end - position_);
    position_ = *end + 1;
    scanned_ = 0;
    ++line_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line == "\\.") {
        ended_ = true;
        return std::optional<CopyRow>{};
    }
    auto row = format_.csv ? csv_row(line) : text_row(line);
    if (row.has_error()) return row.error();
    return std::optional<CopyRow>(std::move(*row));
}

SqlResult<void> CopyReader::finish() {
    if (ended_ || position_ == buffer_.size()) return {};
    if (in_quotes_) return SqlError{bad_copy, "unterminated CSV quoted field"};
    return append("\n");
}

SqlResult<CopyRow> CopyReader::text_row(std::string_view line) const {
    CopyRow row;
    std::string field;
    std::size_t field_begin = 0;
    const auto end_field = [&](std::size_t end) {
        if (line.substr(field_begin, end - field_begin) == format_.null_text)
            row.emplace_back();
        else
            row.emplace_back(std::move(field));
        field.clear();
    };
    for (std::size_t at = 0; at < line.size();) {
        const char c = line[at++];
        if (c == format_.delimiter) {
            end_field(at - 1);
            field_begin = at;
        } else if (c == '\\' && at < line.size()) {
            field += unescaped(line, at);
        } else {
            const std::size_t begin = at - 1;
            while (at < line.size() && line[at] != format_.delimiter && line[at] != '\\') ++at;
            field.append(line, begin, at - begin);
        }
    }
    end_field(line.size());
    return row;
}

SqlResult<CopyRow> CopyReader::csv_row(std::string_view line) const {
    CopyRow row;
    std::size_t at = 0;
    while (true) {
        std::string field;
        bool quoted = false, in_quotes = false;
        for (; at < line.size(); ++at) {
            const char c = line[at];
            if (in_quotes) {
                if (c == format_.escape && at + 1 < line.size() &&
                    (line[at + 1] == format_.quote || line[at + 1] == format_.escape)) {
                    field += line[++at];
                } else if (c == format_.quote) {
                    in_quotes = false;
                } else {
                    field += c;
                }
            } else if (c == format_.quote) {
                in_quotes = quoted = true;
            } else if (c == format_.delimiter) {
                break;
            } else {
                field += c;
            }
        }
        if (in_quotes)
            return SqlError{bad_copy, fmt::format("unterminated CSV quoted field on line {}", line_)};
        if (!quoted && field == format_.null_text)
            row.emplace_back();
        else
            row.emplace_back(std::move(field));
        if (at >= line.size()) return row;
        ++at;  // the delimiter
    }
}

std::string copy_line(const CopyFormat& format, const CopyRow& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (i > 0) line += format.delimiter;
        if (!row[i]) {
            line += format.null_text;
            continue;
        }
        if (!format.csv) {
            append_escaped(line, *row[i], format.delimiter);
            continue;
        }
        const std::string& text = *row[i];
        const bool quote =
            text == format.null_text || text == "\\." ||
            text.find_first_of(std::string{format.delimiter, format.quote, '\n', '\r'}) != std::string::npos;
        if (!quote) {
            line += text;
            continue;
        }
        line += format.quote;
        for (const char c : text) {
            if (c == format.quote || c == format.escape) line += format.escape;
            line += c;
        }
        line += format.quote;
    }
    return line + "\n";
}

}  // namespace understudy::database
