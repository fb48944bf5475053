// SPDX-License-Identifier: Apache-2.0
// Golden traces of the database's fault machine, one file for each rule (golden_traces.hpp):
//   at 0s apply ID KIND [KEY=VALUE]...
//   at 1s heal ID
//   at 1s connect
//   at 1s write COMMAND[_WORD] [first]
//   at 1s commit TICKET
//   at 1s cancel TICKET
//   at 1s clock?
//   at 1s frozen?
//   at 1s befell?
//   until 2s
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "storage/database/core/fault_machine.hpp"
#include "tests/support/golden_traces.hpp"
#include "tests/support/timed_trace.hpp"

namespace understudy::database {
namespace {

std::string words(const FaultApplied& it) {
    return fmt::format("{} applied: {}", it.id, describe(it.fault));
}
std::string words(const FaultHealed& it) {
    return fmt::format("{} healed{}: {}", it.id, it.by_itself ? " by itself" : "", describe(it.fault));
}
std::string words(const Frozen&) {
    return "frozen";
}
std::string words(const Thawed&) {
    return "thawed";
}
std::string words(const CommitReleased& it) {
    return fmt::format("{} commits", it.ticket);
}
std::string words(const PowerLost& it) {
    return fmt::format("{} power lost: {}", it.id, describe(it.fault));
}

class DatabaseFaultRun {
  public:
    std::string run(const std::string& text) {
        test::replay_trace(text, out_, [this](const std::string& line) { command(line); });
        return out_;
    }

  private:
    void command(const std::string& line) {
        std::istringstream in(line);
        std::string keyword, verb, what, more;
        in >> keyword;
        if (!test::advance(machine_, keyword, in, now_, [this](Instant at) { show(at); })) return;
        in >> verb;
        if (verb == "apply") apply(in);
        in >> what >> more;
        if (verb == "heal") answer(machine_.heal(what, now_) ? "healed" : "not in force");
        if (verb == "connect") answer(machine_.refuses_connection(now_) ? "refused" : "let in");
        if (verb == "write") write(what, more == "first");
        if (verb == "commit") answer(machine_.may_commit(std::stoull(what), now_) ? "commits" : "waits");
        if (verb == "cancel") machine_.cancel(std::stoull(what));
        if (verb == "clock?") answer(format_duration(machine_.clock_step()));
        if (verb == "frozen?") answer(machine_.frozen() ? "frozen" : "not frozen");
        if (verb == "befell?")
            for (const auto& it : machine_.in_force()) answer(fmt::format("{}: {}", it.id, it.befell));
        show(now_);
    }

    void apply(std::istringstream& in) {
        if (const std::string refusal = test::apply_fault(machine_, in, now_, parse_fault); !refusal.empty())
            answer(refusal);
    }

    void write(std::string statement, bool first) {
        std::replace(statement.begin(), statement.end(), '_', ' ');
        const auto error = machine_.judge_write(statement, first, now_);
        answer(error ? error->sqlstate + " " + error->message : "passes");
    }

    void answer(const std::string& text) { out_ += fmt::format("  -> {}\n", text); }
    void show(Instant when) {
        for (const FaultAction& action : machine_.take_actions())
            out_ += fmt::format("  -> {} {}\n", format_duration(when.time_since_epoch()),
                                std::visit([](const auto& it) { return words(it); }, action));
    }

    FaultMachine machine_;
    Instant now_{};
    std::string out_;
};

TEST(DatabaseFaultTraces, answers_every_golden_trace_as_written) {
    test::check_golden_traces("tests/unit/storage/database/fault_traces", 10,
                              [](const std::string& text) { return DatabaseFaultRun().run(text); });
}

}  // namespace
}  // namespace understudy::database
