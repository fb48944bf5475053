// SPDX-License-Identifier: Apache-2.0
#include "storage/database/sql/nesting.hpp"

#include <algorithm>
#include <vector>

namespace understudy::database {
namespace {

bool starts_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool continues_word(char c) {
    return starts_word(c) || (c >= '0' && c <= '9') || c == '$';
}

class Scanner {
  public:
    explicit Scanner(std::string_view sql) : sql_(sql) {}

    // Moves behind the next token and gives its first character; 0 at the end.
    char next() {
        while (at_ < sql_.size()) {
            const char c = sql_[at_];
            if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v') {
                ++at_;
            } else if (sql_.substr(at_, 2) == "--") {
                at_ = std::min(sql_.find_first_of("\n\r", at_), sql_.size());
            } else if (sql_.substr(at_, 2) == "/*") {
                skip_comment();
            } else {
                skip_token();
                return c;
            }
        }
        return 0;
    }

  private:
    void skip_comment() {
        int depth = 0;
        do {
            if (sql_.substr(at_, 2) == "/*") {
                ++depth;
                at_ += 2;
            } else if (sql_.substr(at_, 2) == "*/") {
                --depth;
                at_ += 2;
            } else {
                ++at_;
            }
        } while (depth > 0 && at_ < sql_.size());
    }

    void skip_token() {
        const char c = sql_[at_];
        if (c == '\'') return skip_quoted('\'', false);
        if (c == '"') return skip_quoted('"', false);
        if ((c == 'e' || c == 'E') && sql_.substr(at_ + 1, 1) == "'") {
            ++at_;
            return skip_quoted('\'', true);
        }
        if (c == '$' && skip_dollar_quoted()) return;
        if (starts_word(c) || (c >= '0' && c <= '9')) {
            while (at_ < sql_.size() && continues_word(sql_[at_])) ++at_;
            return;
        }
        ++at_;  // each character of an operator counts: that is more than it needs
    }

    void skip_quoted(char quote, bool backslash) {
        for (++at_; at_ < sql_.size(); ++at_) {
            if (backslash && sql_[at_] == '\\') {
                ++at_;
            } else if (sql_[at_] == quote) {
                if (sql_.substr(at_ + 1, 1) != std::string_view(&quote, 1)) break;
                ++at_;
            }
        }
        at_ = std::min(at_ + 1, sql_.size());
    }

    bool skip_dollar_quoted() {
        std::size_t end = at_ + 1;
        if (end < sql_.size() && sql_[end] >= '0' && sql_[end] <= '9') return false;  // a parameter
        while (end < sql_.size() && continues_word(sql_[end]) && sql_[end] != '$') ++end;
        if (end >= sql_.size() || sql_[end] != '$') return false;
        const std::string_view mark = sql_.substr(at_, end + 1 - at_);
        const auto close = sql_.find(mark, end + 1);
        at_ = close == std::string_view::npos ? sql_.size() : close + mark.size();
        return true;
    }

    std::string_view sql_;
    std::size_t at_ = 0;
};

}  // namespace

std::size_t nesting_bound(std::string_view sql) {
    Scanner scanner(sql);
    std::vector<std::size_t> outside;  // of each open parenthesis: the tokens before it
    std::size_t here = 0, base = 0, deepest = 0;
    for (char c = scanner.next(); c != 0; c = scanner.next()) {
        if (c == ',' || c == ';') {
            here = 0;
            continue;
        }
        ++here;
        deepest = std::max(deepest, base + here);
        if (c == '(' || c == '[') {
            outside.push_back(here);
            base += here;
            here = 0;
        } else if ((c == ')' || c == ']') && !outside.empty()) {
            here = outside.back();
            base -= here;
            outside.pop_back();
        }
    }
    return deepest;
}

}  // namespace understudy::database
