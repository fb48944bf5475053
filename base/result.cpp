// SPDX-License-Identifier: Apache-2.0
#include "base/result.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/assert.hpp"

namespace understudy {

std::string Error::message() const {
    std::string text = subject.empty() ? reason : fmt::format("{}: {}", subject, reason);
    if (number) text += fmt::format(" ({})", *number);
    if (!remedy.empty()) text += "; " + remedy;
    return text;
}

Error system_error(std::string subject, int errno_value, ErrorKind kind) {
    return Error(kind, std::move(subject), std::strerror(errno_value)).with_number(errno_value);
}

int exit_status(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::failed:
            return 1;
        case ErrorKind::bad_input:
            return 2;
        case ErrorKind::environment:
            return 3;
        case ErrorKind::timeout:
            return 4;
    }
    invariant_broken("kind", "an ErrorKind outside the enumeration", __FILE__, __LINE__);
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
    const std::string text = "value of an error taken: " + error.message();
    invariant_broken("result.has_value()", text.c_str(), where.file_name(), static_cast<int>(where.line()));
}

}  // namespace understudy
