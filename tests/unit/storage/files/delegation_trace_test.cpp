// SPDX-License-Identifier: Apache-2.0
// Golden traces of the delegation, one file for each rule (golden_traces.hpp); the lease is 30 s, and a share
// is given after 1 s of quiet. Sessions are letters.
//   restore SESSION
//   at 0s ask|returned|over|changed SESSION
//   at 1s change TICKET SESSION
//   at 1s cancel TICKET
//   at 1s forbid|allow
//   until 2s
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "base/random.hpp"
#include "storage/files/core/delegation.hpp"
#include "tests/support/golden_traces.hpp"
#include "tests/support/timed_trace.hpp"

namespace understudy::files {
namespace {

char name(std::uint64_t session) {
    return static_cast<char>(session);
}
std::string words(const DelegationGranted& it) {
    return fmt::format("{} holds it", name(it.session));
}
std::string words(const DelegationRecalled& it) {
    return fmt::format("recalled from {}{}", name(it.session),
                       it.changer ? fmt::format(" for {}", name(*it.changer)) : ", it is forbidden");
}
std::string words(const DelegationEnded& it) {
    static constexpr const char* how[] = {"given back", "its session is over", "its lease has passed"};
    return fmt::format("{} no longer holds it: {}", name(it.session), how[static_cast<int>(it.how)]);
}
std::string words(const ChangeBegins& it) {
    return fmt::format("{} begins", it.ticket);
}

class DelegationRun {
  public:
    std::string run(const std::string& text) {
        test::replay_trace(text, out_, [this](const std::string& line) { command(line); });
        return out_;
    }

  private:
    void command(const std::string& line) {
        std::istringstream in(line);
        std::string keyword, verb;
        char session = 0;
        in >> keyword;
        if (keyword == "restore") {
            in >> session;
            return delegation_.restore(static_cast<std::uint64_t>(session), now_);
        }
        if (!test::advance(delegation_, keyword, in, now_, [this](Instant at) { show(at); })) return;
        in >> verb;
        std::uint64_t ticket = 0;
        if (verb == "change" || verb == "cancel") in >> ticket;
        if (verb != "cancel") in >> session;
        const auto who = static_cast<std::uint64_t>(session);
        if (verb == "ask" && !delegation_.ask(who, now_)) out_ += "  -> not given\n";
        if (verb == "returned") delegation_.returned(who);
        if (verb == "over") delegation_.session_over(who);
        if (verb == "changed") delegation_.changed(who, now_);
        if (verb == "cancel") delegation_.cancel(ticket);
        if (verb == "forbid" || verb == "allow") delegation_.forbid(verb == "forbid", now_);
        if (verb == "change")
            out_ += delegation_.change(ticket, who, now_) ? "  -> begins\n" : "  -> waits\n";
        show(now_);
    }
    void show(Instant when) {
        for (const DelegationAction& action : delegation_.take_actions())
            out_ += fmt::format("  -> {} {}\n", format_duration(when.time_since_epoch()),
                                std::visit([](const auto& it) { return words(it); }, action));
    }

    Delegation delegation_{30s, 1s};
    Instant now_{};
    std::string out_;
};

TEST(DelegationTraces, answers_every_golden_trace_as_written) {
    test::check_golden_traces("tests/unit/storage/files/delegation_traces", 9,
                              [](const std::string& text) { return DelegationRun().run(text); });
}

// A world that keeps count by itself of who holds it and what is being changed.
class DelegationWorld {
  public:
    explicit DelegationWorld(std::uint64_t seed) : random_(seed) {}

    void step() {
        now_ += Duration(static_cast<std::int64_t>(random_.next() % 400'000'000));
        const std::uint64_t session = 1 + random_.next() % 3;
        delegation_.on_timeout(now_);
        look();
        switch (random_.next() % 6) {
            case 0:
                delegation_.ask(session, now_);
                break;
            case 1:
                if (const std::uint64_t ticket = ++tickets_; delegation_.change(ticket, session, now_))
                    begins(session);
                else
                    waiting_[ticket] = session;
                break;
            case 2:
                if (changing_[session] > 0) {
                    --changing_[session];
                    delegation_.changed(session, now_);
                }
                break;
            case 3:
                delegation_.returned(session);
                break;
            case 4:
                delegation_.session_over(session);
                break;
            case 5:
                if (waiting_.empty()) break;
                delegation_.cancel(waiting_.begin()->first);
                waiting_.erase(waiting_.begin());
                break;
        }
        look();
    }
    void pass_a_lease() {
        now_ += 30s;
        delegation_.on_timeout(now_);
        look();
        EXPECT_TRUE(waiting_.empty()) << "a change waits for longer than a lease";
    }

  private:
    void begins(std::uint64_t session) {
        ++changing_[session];
        EXPECT_TRUE(!holder_ || *holder_ == session) << "changed while another holds it";
    }
    void look() {
        for (const DelegationAction& action : delegation_.take_actions()) {
            if (const auto* granted = std::get_if<DelegationGranted>(&action)) {
                EXPECT_FALSE(holder_) << "two hold it";
                holder_ = granted->session;
                for (const auto& [session, count] : changing_)
                    EXPECT_TRUE(session == *holder_ || count == 0) << "given beside a change";
            } else if (const auto* ended = std::get_if<DelegationEnded>(&action)) {
                EXPECT_EQ(holder_, ended->session);
                holder_.reset();
            } else if (const auto* begun = std::get_if<ChangeBegins>(&action)) {
                begins(waiting_.at(begun->ticket));
                waiting_.erase(begun->ticket);
            }
        }
        EXPECT_EQ(delegation_.holder(), holder_);
    }

    Random random_;
    Delegation delegation_{30s, 1s};
    Instant now_{};
    std::optional<std::uint64_t> holder_;
    std::map<std::uint64_t, std::size_t> changing_;
    std::map<std::uint64_t, std::uint64_t> waiting_;  // ticket: session
    std::uint64_t tickets_ = 0;
};

TEST(Delegation, nobody_changes_anything_beside_its_holder_and_nobody_waits_for_longer_than_a_lease) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(seed);
        DelegationWorld world(seed);
        for (int i = 0; i < 300; ++i) world.step();
        world.pass_a_lease();
        if (::testing::Test::HasFailure()) break;
    }
}

}  // namespace
}  // namespace understudy::files
