// SPDX-License-Identifier: Apache-2.0
// What a session changes passes its gate. close() lets nothing in any more and waits until what is inside has
// left: so that no write of a session that lost its locks lands after another was told that it has them.
// Threads: pass() from any; close() blocks its caller for as long as the disk takes.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace understudy::files {

class SessionGate {
  public:
    class Pass {
      public:
        explicit Pass(SessionGate& gate) : gate_(gate) {
            const std::lock_guard<std::mutex> held(gate_.mutex_);
            inside_ = gate_.open_;
            if (inside_) ++gate_.inside_;
        }
        ~Pass() {
            if (!inside_) return;
            const std::lock_guard<std::mutex> held(gate_.mutex_);
            if (--gate_.inside_ == 0) gate_.left_.notify_all();
        }
        Pass(const Pass&) = delete;
        Pass& operator=(const Pass&) = delete;
        explicit operator bool() const { return inside_; }

      private:
        SessionGate& gate_;
        bool inside_ = false;
    };

    void close() {
        std::unique_lock<std::mutex> held(mutex_);
        open_ = false;
        left_.wait(held, [this] { return inside_ == 0; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable left_;
    bool open_ = true;
    std::uint64_t inside_ = 0;
};

}  // namespace understudy::files
