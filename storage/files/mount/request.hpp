// SPDX-License-Identifier: Apache-2.0
// One request to the file service, from being asked until it is answered, over any number of connections.
#pragma once

#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "storage/files/core/codec.hpp"
#include "storage/files/core/message.hpp"

namespace understudy::files {

// A reply, or an errno. `repeated`: the request was sent more than once, so an error may be its own earlier
// success. `unknown`: it was sent and its answer will never be known; it may have been carried out.
struct Answer {
    Body body;
    int error = 0;
    bool repeated = false;
    bool unknown = false;
};

// 0: it holds the wanted reply; else the errno, EIO for another message.
template <typename Reply>
int error_of(const Answer& answer) {
    if (answer.error != 0) return answer.error;
    return std::holds_alternative<Reply>(answer.body) ? 0 : EIO;
}

// Set to true by whoever no longer waits for an answer: the request isn't sent again after a reconnection.
using Abandoned = std::shared_ptr<const bool>;

struct Request {
    std::shared_ptr<const Frame> frame;
    std::uint16_t tag = no_tag;
    std::uint64_t order = 0;  // in which they were asked
    std::uint32_t fid = no_fid;
    Instant since{}, sent{};
    bool is_sent = false;
    bool was_sent = false;       // at least once
    bool was_repeated = false;   // on more than one connection
    bool control = false;        // never sent again, fails with its connection
    bool may_take_long = false;  // a lock that is waited for
    bool must_be_known = false;  // waits however long the server is away, as long as the session may live
    bool given_up = false;       // Tflush is on its way
    bool ends_fid = false;       // Tclunk: its fid is taken until it is answered
    Abandoned abandoned;
    std::optional<Answer> answer;
    std::function<void()> resume;  // whoever waits for the answer
};
using RequestPtr = std::shared_ptr<Request>;

}  // namespace understudy::files
