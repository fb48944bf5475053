// SPDX-License-Identifier: Apache-2.0
#include "storage/database/write_queue.hpp"

#include "base/assert.hpp"

namespace understudy::database {

WriteQueue::Outcome WriteQueue::acquire(std::chrono::milliseconds limit, const std::atomic<bool>& canceled) {
    std::unique_lock lock(mutex_);
    if (!held_) {
        held_ = true;
        return Outcome::granted;
    }
    const auto self = waiting_.emplace(waiting_.end());
    self->turn.wait_for(lock, limit, [&] { return self->granted || canceled; });
    const bool granted = self->granted;
    if (!granted)
        waiting_.erase(self);
    else
        waiting_.pop_front();
    if (granted) return Outcome::granted;
    return canceled ? Outcome::canceled : Outcome::timed_out;
}

void WriteQueue::release() {
    const std::lock_guard lock(mutex_);
    UNDERSTUDY_ASSERT(held_, "only its holder releases the right to write");
    ++turns_;
    // Handed straight to the one who waited longest: a newcomer can't slip in between. Who was granted it
    // leaves the list itself, and is its first until then.
    if (waiting_.empty()) {
        held_ = false;
        return;
    }
    waiting_.front().granted = true;
    waiting_.front().turn.notify_one();
}

void WriteQueue::wake() {
    const std::lock_guard lock(mutex_);
    for (auto& waiter : waiting_) waiter.turn.notify_one();
}

}  // namespace understudy::database
