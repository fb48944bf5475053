// SPDX-License-Identifier: Apache-2.0
// json and jsonb as text (PostgreSQL manual chapter 8.14). json keeps its text; jsonb's keys are ordered by
// length and then bytes, the last of equal keys stays, and blanks are as PostgreSQL writes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/database/core/sql_error.hpp"
#include "storage/database/core/value_forms.hpp"

namespace understudy::database {

SqlResult<Stored> stored_json(std::string_view text, bool binary);

// The operators -> and ->>: a member by its name, or an element by its index (from the end when negative).
// Nothing when it isn't there, or, as text, when it is null. A part that is JSON is written as jsonb is: an
// operator on json would keep the document's own blanks, so the translation offers these on jsonb and, as
// text, on both.
std::optional<std::string> json_member(std::string_view document, std::string_view name, bool as_text);
std::optional<std::string> json_element(std::string_view document, std::int64_t index, bool as_text);

}  // namespace understudy::database
