// SPDX-License-Identifier: Apache-2.0
#include "table.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "base/io/unique_fd.hpp"
#include "base/random.hpp"

namespace understudy::files::testing {

Table* Table::make() {
    void* at = ::mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? nullptr : new (at) Table;
}

void Table::accuse(const std::string& text) {
    if (wrong.exchange(true)) return;
    std::copy_n(text.data(), std::min(text.size(), sizeof what - 1), what);
}

bool Table::is_excused(std::uint64_t holder) const {
    std::uint64_t now = workers[(holder & 0xff) - 1].generation;
    return now % 2 != 0 || now != holder >> 8;
}

bool Table::may_be_lost(std::uint64_t writer) const {
    if (writer == 0) return false;
    std::uint64_t now = workers[(writer & 0xff) - 1].cuts;
    return now % 2 != 0 || now != writer >> 8;
}

namespace {

class Worker {
  public:
    Worker(Table& table, int number, std::string folder, std::uint64_t seed)
        : table_(table), number_(number), folder_(std::move(folder)), random_(seed) {}

    void run() {
        while (!table_.stop && !table_.wrong) {
            std::uint64_t generation = self().generation;
            if (generation % 2 != 0) {
                pause();
                continue;
            }
            if (!round(generation)) {
                // Whatever was open may be stale.
                locks_.reset(), counters_.reset();
                if (self().generation == generation && !table_.stop)
                    table_.accuse(fmt::format("worker {} on an undisturbed host: {}: {}", number_, step_,
                                              ::strerrorname_np(error_)));
                pause();
            }
            ++self().rounds;
        }
    }

  private:
    Table::Worker& self() { return table_.workers[number_]; }
    static void pause() { ::poll(nullptr, 0, 5); }
    bool fail(const char* step) {
        error_ = errno;
        step_ = step;
        return false;
    }

    bool open(std::uint64_t generation) {
        if (opened_in_ == generation && locks_.valid() && counters_.valid()) return true;
        locks_.reset(::open((folder_ + "/locks").c_str(), O_RDWR | O_CLOEXEC));
        counters_.reset(::open((folder_ + "/counters").c_str(), O_RDWR | O_CLOEXEC));
        opened_in_ = generation;
        return locks_.valid() && counters_.valid();
    }

    // fcntl's lock of one byte.
    bool set(short type, int which, bool wait) {
        struct flock lock = {};
        lock.l_type = type;
        lock.l_start = which;
        lock.l_len = 1;
        return ::fcntl(locks_.get(), wait ? F_SETLKW : F_SETLK, &lock) == 0;
    }

    bool round(std::uint64_t generation) {
        if (!open(generation)) return fail("open");
        int which = static_cast<int>(random_.below(lock_count));
        if (!set(F_WRLCK, which, random_.chance(0.7)))
            return errno == EAGAIN || errno == EACCES ? true : fail("lock");
        Table::Lock& lock = table_.locks[which];
        std::uint64_t me = generation << 8 | static_cast<std::uint64_t>(number_ + 1);
        // Whose host was disturbed before it could say so may have lost it again; the file is closed next.
        if (table_.is_excused(me)) return true;
        std::uint64_t before = lock.holder.exchange(me);
        if (before != 0) {
            if (!table_.is_excused(before)) {
                table_.accuse(fmt::format("lock {}: worker {} got it while worker {} held it", which, number_,
                                          (before & 0xff) - 1));
                return true;
            }
            ++table_.taken_over;
        }
        ++table_.operations;
        if (!count_up(lock, which, me)) return false;
        std::uint64_t writer = lock.writer;
        // From here on it is another's, by our leave.
        lock.holder.compare_exchange_strong(me, 0);
        if (!set(F_UNLCK, which, false)) return fail("unlock");
        lock.writer.compare_exchange_strong(writer, 0);
        ++table_.operations;
        return true;
    }

    bool count_up(Table::Lock& lock, int which, std::uint64_t me) {
        std::uint64_t value = 0;
        off_t at = which * static_cast<off_t>(sizeof value);
        if (::pread(counters_.get(), &value, sizeof value, at) != sizeof value) return fail("read");
        // Whoever lost the lock meanwhile may say nothing any more.
        if (lock.holder != me) return true;
        std::uint64_t count = lock.count, begun = lock.begun;
        bool lost = value == lock.before && table_.may_be_lost(lock.writer);
        if (value != count && value != begun && !lost) {
            if (!table_.is_excused(me))
                table_.accuse(fmt::format("lock {}: worker {} reads {}, but {} was written", which, number_,
                                          value, count));
            return true;
        }
        lock.count = value;
        lock.before = value;
        lock.begun = value + 1;
        lock.writer = self().cuts << 8 | static_cast<std::uint64_t>(number_ + 1);
        ++value;
        if (::pwrite(counters_.get(), &value, sizeof value, at) != sizeof value) return fail("write");
        if (lock.holder == me) lock.count = value;
        return true;
    }

    Table& table_;
    int number_;
    std::string folder_;
    Random random_;
    io::UniqueFd locks_, counters_;
    std::uint64_t opened_in_ = 1;
    const char* step_ = "";
    int error_ = 0;
};

}  // namespace

int work(Table& table, int worker, const std::string& folder, std::uint64_t seed) {
    Worker(table, worker, folder, seed).run();
    return 0;
}

}  // namespace understudy::files::testing
