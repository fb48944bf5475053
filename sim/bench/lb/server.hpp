// SPDX-License-Identifier: Apache-2.0
// The backend of a bench: one thread, one epoll. answer_port: each request (whatever ends in an empty line)
// is answered by answer_bytes bytes. bulk_port: sends as fast as it is read. name_port: sends the host's name
// and a line feed, then closes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace understudy::bench {

constexpr std::uint16_t answer_port = 8080;
constexpr std::uint16_t bulk_port = 8081;
constexpr std::uint16_t name_port = 8082;
constexpr std::size_t answer_bytes = 128;

// Serves on every address of the namespace until it is killed; returns only what is wrong, as exit status 1.
int serve(const std::string& name);

}  // namespace understudy::bench
