// SPDX-License-Identifier: Apache-2.0
// COPY's text and CSV formats (PostgreSQL manual, SQL command COPY): rows of texts to lines and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database/core/sql_error.hpp"

namespace understudy::database {

struct CopyFormat {
    bool csv = false;
    char delimiter = '\t';
    std::string null_text = "\\N";
    char quote = '"';
    char escape = '"';
};
using CopyRow = std::vector<std::optional<std::string>>;  // nothing: NULL

// Bytes of any split go in; each whole line comes out as a row. An end marker "\." ends the input.
class CopyReader {
  public:
    explicit CopyReader(CopyFormat format) : format_(std::move(format)) {}

    SqlResult<void> append(std::string_view bytes);
    SqlResult<std::optional<CopyRow>> next();
    SqlResult<void> finish();  // there is nothing after this: a last line without its end counts
    std::int64_t line() const { return line_; }

  private:
    std::optional<std::size_t> line_end();
    SqlResult<CopyRow> text_row(std::string_view line) const;
    SqlResult<CopyRow> csv_row(std::string_view line) const;

    CopyFormat format_;
    std::string buffer_;
    std::size_t position_ = 0;
    std::size_t scanned_ = 0;  // of the line that begins at position_
    bool in_quotes_ = false;
    bool ended_ = false;
    std::int64_t line_ = 0;
};

std::string copy_line(const CopyFormat& format, const CopyRow& row);

constexpr std::size_t max_copy_line_bytes = 16 * 1024 * 1024;

}  // namespace understudy::database
