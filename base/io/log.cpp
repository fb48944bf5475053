// SPDX-License-Identifier: Apache-2.0
#include "base/io/log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>

namespace understudy::io {

void start_log(const std::string& program) {
    auto logger = spdlog::stderr_logger_mt(program);
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %n: %v");
    const char* level = std::getenv("UNDERSTUDY_LOG");
    logger->set_level(level == nullptr ? spdlog::level::info : spdlog::level::from_str(level));
    spdlog::set_default_logger(std::move(logger));
}

int fail(const Error& error) {
    fmt::print(stderr, "understudy: {}\n", error.message());
    return exit_status(error.kind);
}

}  // namespace understudy::io
