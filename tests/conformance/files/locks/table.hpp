// SPDX-License-Identifier: Apache-2.0
// What the workers on both hosts know together, in memory that they share on this machine and that no file
// service touches: who says that it holds which lock, what each counter on the share must be, and which hosts
// are being disturbed. From it a second holder, a lost lock and a lost update show. Any process may use it.
//
// A host that is cut off from its lease may lose what it wrote and had not synced or given its lock up after:
// then the counter is what it was before that write. `cuts` counts how often that may have happened to a
// worker.
//
// A worker's `generation` is even while nothing may take its locks, and is made odd before something is done
// that may (its process killed, its host killed, frozen or cut off for longer than its lease), and even again
// when that is over.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace understudy::files::testing {

constexpr int lock_count = 4;
constexpr int worker_count = 4;  // the first half on host a, the second on host b

struct Table {
    struct Lock {
        std::atomic<std::uint64_t> holder = 0;  // 0: nobody; else (generation << 8 | worker + 1)
        std::atomic<std::uint64_t> count = 0;   // what the counter on the share was last written to
        std::atomic<std::uint64_t> begun = 0;   // what a holder began to write, and maybe did
        std::atomic<std::uint64_t> before = 0;  // what was there before that
        std::atomic<std::uint64_t> writer =
            0;  // who wrote: (cuts << 8 | worker + 1), 0 when it gave its lock up
    };
    struct Worker {
        std::atomic<std::uint64_t> generation = 0;
        std::atomic<std::uint64_t> rounds = 0;
        std::atomic<std::uint64_t> cuts = 0;
    };
    Lock locks[lock_count];
    Worker workers[worker_count];
    std::atomic<std::uint64_t> operations = 0;  // locks and unlocks that succeeded
    std::atomic<std::uint64_t> taken_over = 0;  // from a holder that was disturbed
    std::atomic<bool> stop = false;
    std::atomic<bool> wrong = false;
    char what[256] = {};  // the first thing that was wrong

    static Table* make();  // nullptr when there is no memory
    void accuse(const std::string& text);
    // Worker of that holder may have lost what it held then.
    bool is_excused(std::uint64_t holder) const;
    // What that writer wrote may have been lost.
    bool may_be_lost(std::uint64_t writer) const;
};

// One worker: takes locks of `folder`/locks in turn, counts up the lock's counter in `folder`/counters while
// it holds it, and lets go. Runs until the table says stop or something is wrong; returns 0.
int work(Table& table, int worker, const std::string& folder, std::uint64_t seed);

}  // namespace understudy::files::testing
