// SPDX-License-Identifier: Apache-2.0
// Expected failures as values. Result<T> holds a T or an Error; Result<void> holds success or an Error.
// An Error says subject, reason, a number where there is one, and what to do. Its kind decides the exit
// status of a program that stops because of it (exit_status(), the command-line contract of
// docs/ARCHITECTURE.md).
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace understudy {

enum class ErrorKind {
    failed,       // the operation was tried and did not succeed; an expectation did not hold (exit 1)
    bad_input,    // usage, a configuration or topology file (exit 2)
    environment,  // this machine cannot do it: something is missing or forbidden (exit 3)
    timeout,      // a time limit passed (exit 4)
};

class Error {
  public:
    Error() =
        default;  // what boost::system::result's error() yields where there is none; never made otherwise
    Error(ErrorKind kind, std::string subject, std::string reason)
        : kind(kind), subject(std::move(subject)), reason(std::move(reason)) {}

    Error&& with_number(std::int64_t value) && {
        number = value;
        return std::move(*this);
    }
    Error&& with_remedy(std::string text) && {
        remedy = std::move(text);
        return std::move(*this);
    }

    // "subject: reason (number); remedy", without the parts that are empty.
    std::string message() const;

    ErrorKind kind = ErrorKind::failed;
    std::string subject;
    std::string reason;
    std::optional<std::int64_t> number;
    std::string remedy;
};

template <typename T>
using Result = boost::system::result<T, Error>;

// An Error from errno: reason is strerror's text, number the errno. Kind is `failed` unless given.
Error system_error(std::string subject, int errno_value, ErrorKind kind = ErrorKind::failed);

int exit_status(ErrorKind kind);

// Called by boost::system::result when value() is asked of an error: that is a defect, so it stops the
// program.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

}  // namespace understudy

// UNDERSTUDY_TRY(auto value, expression): declares `value` from a Result<T>, or returns its Error.
// UNDERSTUDY_CHECK(expression): the same for Result<void>.
#define UNDERSTUDY_CONCAT_(a, b) a##b
#define UNDERSTUDY_CONCAT(a, b) UNDERSTUDY_CONCAT_(a, b)
#define UNDERSTUDY_TRY_(temporary, declaration, ...)                \
    auto temporary = (__VA_ARGS__);                                 \
    if (temporary.has_error()) return std::move(temporary).error(); \
    declaration = std::move(*temporary)
#define UNDERSTUDY_TRY(declaration, ...) \
    UNDERSTUDY_TRY_(UNDERSTUDY_CONCAT(try_result_, __LINE__), declaration, __VA_ARGS__)
#define UNDERSTUDY_CHECK(...)                                              \
    do {                                                                   \
        if (auto check_result_ = (__VA_ARGS__); check_result_.has_error()) \
            return std::move(check_result_).error();                       \
    } while (false)
