// SPDX-License-Identifier: Apache-2.0
// What was acknowledged is there after the service was killed, and after the machine lost its power.
//
// The power loss is the service's own fault, which remembers below SQLite what the last sync of each file
// doesn't cover (storage/database/undo_vfs.hpp) and puts it back: the same program, the same writes and
// syncs, and a disk that keeps no more than it must. A share of our file service can't stand for that disk:
// SQLite's write-ahead log needs memory that all its connections map, which kernels before 6.6 refuse on such
// a mount.
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <set>

#include "tests/integration/storage_database/database.hpp"

namespace understudy::test {
namespace {

constexpr int writer_count = 4;
constexpr int commits_before_the_end = 60;  // so many at least are acknowledged before each end

// UNDERSTUDY_TEST_KILLS: how often the service ends.
int ends() {
    const char* text = std::getenv("UNDERSTUDY_TEST_KILLS");
    return text == nullptr ? 20 : std::atoi(text);
}

class DatabaseDurability : public Database {
  protected:
    void SetUp() override {
        Database::SetUp();
        const auto client = connect();
        run(client, "CREATE TABLE payment (id bigint PRIMARY KEY, writer integer, note text)");
        run(client, "CREATE TABLE total (writer integer PRIMARY KEY, payments bigint NOT NULL)");
        for (int writer = 0; writer < writer_count; ++writer)
            run(client, fmt::format("INSERT INTO total VALUES ({}, 0)", writer));
    }

    // Clients that pay as fast as they can until the service is gone; `end` ends it meanwhile.
    template <typename End>
    void pay_until(End end) {
        std::atomic<int> count = 0;
        std::vector<std::vector<std::int64_t>> acknowledged(writer_count);
        std::vector<std::thread> writers;
        for (int writer = 0; writer < writer_count; ++writer)
            writers.emplace_back([&, writer, first = next_id_ + writer * 1'000'000LL] {
                const auto client = connect();
                for (std::int64_t id = first; id < first + 1'000'000; ++id) {
                    // One transaction of two tables, some of it larger than a page.
                    const std::string both = fmt::format(
                        "INSERT INTO payment VALUES ({0}, {1}, '{2}'); "
                        "UPDATE total SET payments = payments + 1 WHERE writer = {1}",
                        id, writer, std::string(static_cast<std::size_t>(id % 7 * 900), 'x'));
                    if (tag(run(client, both)) != "UPDATE 1") return;
                    acknowledged[static_cast<std::size_t>(writer)].push_back(id);
                    ++count;
                }
            });
        EXPECT_TRUE(comes_true("payments are acknowledged", [&] { return count >= commits_before_the_end; }));
        end();
        for (auto& writer : writers) writer.join();
        next_id_ += writer_count * 1'000'000LL;
        for (const auto& ids : acknowledged) acknowledged_.insert(ids.begin(), ids.end());
    }

    void expect_everything_is_there() {
        EXPECT_EQ(integrity(), "ok");
        const auto client = connect();
        const Answer answer = run(client, "SELECT id FROM payment");
        std::set<std::int64_t> found;
        for (int row = 0; row < PQntuples(answer.get()); ++row)
            found.insert(std::atoll(PQgetvalue(answer.get(), row, 0)));
        std::int64_t lost = 0;
        for (const std::int64_t id : acknowledged_) lost += found.contains(id) ? 0 : 1;
        EXPECT_EQ(lost, 0) << "of " << acknowledged_.size() << " acknowledged payments";
        // Whole transactions: what one table has of a payment, the other has too.
        EXPECT_EQ(value(client, "SELECT count(*) FROM payment"),
                  value(client, "SELECT sum(payments) FROM total"));
    }

    std::int64_t next_id_ = 0;
    std::set<std::int64_t> acknowledged_;
};

TEST_F(DatabaseDurability, every_acknowledged_commit_outlives_kills_under_load) {
    for (int round = 0; round < ends() && !HasFailure(); ++round) {
        SCOPED_TRACE(fmt::format("kill {}", round + 1));
        pay_until([this] { stop(SIGKILL); });
        start();
        expect_everything_is_there();
    }
    std::cout << fmt::format("{} kills, {} payments acknowledged\n", ends(), acknowledged_.size());
}

TEST_F(DatabaseDurability, every_acknowledged_commit_outlives_losses_of_power_under_load) {
    const char* const torn[] = {"none", "pages", "sectors"};
    for (int round = 0; round < ends() && !HasFailure(); ++round) {
        SCOPED_TRACE(fmt::format("torn {}, seed {}", torn[round % 3], round));
        pay_until([&] {
            const Outcome lost = admin({"fault", "power-loss", fmt::format("torn={}", torn[round % 3]),
                                        fmt::format("seed={}", round)});
            EXPECT_EQ(lost.status, 0) << lost.err;
            EXPECT_EQ(WEXITSTATUS(wait_for_end()), 1);
        });
        start();
        expect_everything_is_there();
    }
    EXPECT_EQ(events("power_lost").size(), static_cast<std::size_t>(ends()));
    std::cout << fmt::format("{} losses of power, {} payments acknowledged\n", ends(), acknowledged_.size());
}

}  // namespace
}  // namespace understudy::test
