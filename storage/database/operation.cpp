// SPDX-License-Identifier: Apache-2.0
#include "storage/database/operation.hpp"

#include <fmt/format.h>

#include "base/io/clock.hpp"

namespace understudy::database {
namespace {

constexpr std::size_t max_statement_bytes = 500;

// At most so many bytes, and no piece of a UTF-8 character.
std::string cut(const std::string& text) {
    if (text.size() <= max_statement_bytes) return text;
    std::size_t end = max_statement_bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return text.substr(0, end) + "…";
}

}  // namespace

void Operation::report(const char* name, const std::string& detail,
                       std::map<std::string, AttributeValue> attributes) {
    {
        const std::lock_guard lock(mutex_);
        const Instant now = io::monotonic_now();
        if (now - second_ >= 1s) {
            second_ = now;
            reported_ = 0;
        }
        if (reported_ >= events_per_second) {
            ++statistics.events_withheld;
            return;
        }
        ++reported_;
    }
    events_.report(name, detail, std::move(attributes));
}

void Operation::statement_took(Duration took, const std::string& sql, const std::string& user) {
    if (slow_statement_ == Duration::zero() || took < slow_statement_) return;
    ++statistics.slow_statements;
    const auto ms = whole_milliseconds(took);
    report("slow_statement", fmt::format("{} ms: {}", ms, cut(sql)),
           {{"duration_ms", ms}, {"statement", cut(sql)}, {"user", user}});
}

}  // namespace understudy::database
