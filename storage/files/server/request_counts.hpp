// SPDX-License-Identifier: Apache-2.0
// What one share was asked, counted: requests by kind and outcome, how long they took, bytes, and what its
// sessions and locks did. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <variant>

#include "base/time.hpp"
#include "storage/core/latency_histogram.hpp"
#include "storage/files/core/message.hpp"

namespace understudy::files {

const char* request_name(std::size_t kind);  // "read" for Tread's place in Body; null: no request

struct RequestCounts {
    struct Kind {
        std::uint64_t answered = 0, refused = 0;  // refused: Rlerror
        storage::LatencyHistogram latency;
    };
    std::array<Kind, std::variant_size_v<Body>> kinds;  // by the request's place in Body
    std::uint64_t bytes_read = 0, bytes_written = 0;

    void count(std::size_t kind, const Body& reply, Duration took) {
        Kind& it = kinds[kind];
        ++(std::holds_alternative<Rlerror>(reply) ? it.refused : it.answered);
        it.latency.count(took);
        if (const auto* read = std::get_if<Rread>(&reply)) bytes_read += read->data.value.size();
        if (const auto* written = std::get_if<Rwrite>(&reply)) bytes_written += written->count;
    }
};

struct SessionCounts {
    std::uint64_t opened = 0, resumed = 0, ended = 0, expired = 0;
    std::uint64_t locks_granted = 0, locks_released = 0, locks_refused = 0, locks_expired = 0,
                  locks_waited = 0;
    std::uint64_t writes_fenced = 0;  // sessions and files, each once
    std::uint64_t delegations_granted = 0, delegations_recalled = 0;
};

}  // namespace understudy::files
