// SPDX-License-Identifier: Apache-2.0
// Deadlines of many things at a constant cost each: a ring of slots of `tick` width, each with an intrusive
// list. An entry beyond the ring stands in the last slot and is placed anew when that comes, so a deadline
// costs one look for each `slots * tick` it is away. Never early, late by a tick at most (beside how late it
// is asked). Pure: time is handed in. Ownership: entries belong to the caller and leave the wheel when they
// are destroyed. Threads: one. Rule: Varghese and Lauck, "Hashed and hierarchical timing wheels" (1987).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace understudy::lb {

class TimerWheel {
  public:
    static constexpr Duration tick = 10ms;
    static constexpr std::size_t slots = 512;

    struct Link {
        Link* next = nullptr;
        Link* previous = nullptr;
        bool linked() const { return next != nullptr; }
        void unlink() {
            if (next == nullptr) return;
            next->previous = previous;
            previous->next = next;
            next = previous = nullptr;
        }
    };

    class Entry : private Link {
      public:
        Entry() = default;
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;
        ~Entry() { unlink(); }
        void cancel() { unlink(); }
        bool waiting() const { return linked(); }
        Instant due() const { return due_; }

      private:
        friend class TimerWheel;
        Instant due_{};
    };

    explicit TimerWheel(Instant now) : current_(tick_of(now)) {
        for (Link& slot : ring_) slot.next = slot.previous = &slot;
    }
    // Entries may outlive the wheel: they are let go of.
    ~TimerWheel() {
        for (Link& slot : ring_) {
            while (slot.next != &slot) slot.next->unlink();
        }
    }
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;

    // Replaces the entry's deadline before it, if it had one.
    void schedule(Entry& entry, Instant due) {
        entry.unlink();
        entry.due_ = due;
        place(entry);
    }

    // Calls expired(Entry&) for each entry that is due, out of the wheel by then; it may schedule and cancel
    // any entry.
    template <typename Expired>
    void advance(Instant now, Expired expired) {
        // A pause longer than the ring looks at each slot once.
        const std::int64_t last = tick_of(now);
        if (last - current_ > static_cast<std::int64_t>(slots))
            current_ = last - static_cast<std::int64_t>(slots);
        while (current_ <= last) {
            const std::int64_t at = current_++;  // what is scheduled from here on comes into a later slot
            Link work;
            take(slot_of(at), work);
            while (work.next != &work) {
                Entry& entry = static_cast<Entry&>(*work.next);
                entry.unlink();
                if (entry.due_ <= now)
                    expired(entry);
                else
                    place_after(entry, at);
            }
        }
        current_ = last;
    }

    // When advance() is worth calling next; none when nothing waits. May be before anything is due.
    std::optional<Instant> next() const {
        for (std::size_t i = 0; i < slots; ++i) {
            const std::int64_t at = current_ + static_cast<std::int64_t>(i);
            const Link& slot = ring_[index_of(at)];
            if (slot.next != &slot) return Instant(tick * (at + 1));
        }
        return std::nullopt;
    }

  private:
    static std::int64_t tick_of(Instant when) { return when.time_since_epoch() / tick; }
    static std::size_t index_of(std::int64_t at) { return static_cast<std::size_t>(at) % slots; }
    Link& slot_of(std::int64_t at) { return ring_[index_of(at)]; }

    void place(Entry& entry) { place_after(entry, current_ - 1); }
    void place_after(Entry& entry, std::int64_t after) {
        // The slot of a deadline is looked at once the whole tick it is in has passed, or in that tick.
        const std::int64_t wanted = tick_of(entry.due_);
        const std::int64_t furthest = after + static_cast<std::int64_t>(slots);
        std::int64_t at = wanted > furthest ? furthest : wanted;
        if (at <= after) at = after + 1;
        Link& slot = slot_of(at);
        entry.previous = slot.previous;
        entry.next = &slot;
        slot.previous->next = &entry;
        slot.previous = &entry;
    }
    static void take(Link& slot, Link& work) {
        if (slot.next == &slot) {
            work.next = work.previous = &work;
            return;
        }
        work = slot;
        work.next->previous = &work;
        work.previous->next = &work;
        slot.next = slot.previous = &slot;
    }

    std::int64_t current_;  // the earliest tick whose slot may hold something due
    std::array<Link, slots> ring_;
};

}  // namespace understudy::lb
