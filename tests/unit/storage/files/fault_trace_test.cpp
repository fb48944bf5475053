// SPDX-License-Identifier: Apache-2.0
// Golden traces of the fault machine, one file for each rule (golden_traces.hpp):
//   at 0s apply ID KIND [KEY=VALUE]...
//   at 1s heal ID
//   at 1s request TICKET CLIENT PATH[,PATH] [changes] [grows] [bytes=N]
//   at 1s cancel TICKET
//   at 1s cut? CLIENT
//   until 2s
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>

#include "storage/files/core/fault_machine.hpp"
#include "tests/support/golden_traces.hpp"
#include "tests/support/timed_trace.hpp"

namespace understudy::files {
namespace {

std::string words(const FaultApplied& it) {
    return fmt::format("{} applied: {}", it.id, describe(it.fault));
}
std::string words(const FaultHealed& it) {
    return fmt::format("{} healed{}: {}", it.id, it.by_itself ? " by itself" : "", describe(it.fault));
}
std::string words(const RequestReleased& it) {
    return fmt::format("{} {}", it.ticket, it.error == 0 ? "goes on" : "fails: " + error_name(it.error));
}
std::string words(const PowerLost& it) {
    return fmt::format("{} power lost: {}", it.id, describe(it.fault));
}

class FaultRun {
  public:
    std::string run(const std::string& text) {
        test::replay_trace(text, out_, [this](const std::string& line) { command(line); });
        return out_;
    }

  private:
    void command(const std::string& line) {
        std::istringstream in(line);
        std::string keyword, verb;
        in >> keyword;
        if (!test::advance(machine_, keyword, in, now_, [this](Instant at) { show(at); })) return;
        in >> verb;
        if (verb == "apply") apply(in);
        if (verb == "request") request(in);
        std::string what;
        in >> what;
        if (verb == "heal") answer(machine_.heal(what, now_) ? "healed" : "not in force");
        if (verb == "cut?") answer(machine_.is_cut_off(what) ? "cut off" : "not cut off");
        if (verb == "cancel") machine_.cancel(std::stoull(what));
        show(now_);
    }

    void apply(std::istringstream& in) {
        if (const std::string refusal = test::apply_fault(machine_, in, now_, parse_fault); !refusal.empty())
            answer(refusal);
    }

    void request(std::istringstream& in) {
        std::uint64_t ticket = 0;
        JudgedRequest request;
        in >> ticket >> request.client >> request.path;
        if (const std::size_t comma = request.path.find(','); comma != std::string::npos) {
            request.other_path = request.path.substr(comma + 1);
            request.path.resize(comma);
        }
        for (std::string word; in >> word;) {
            if (word == "changes" || word == "grows") request.changes = true;
            if (word == "grows") request.needs_space = true;
            if (word.starts_with("bytes=")) request.bytes = std::stoull(word.substr(6));
        }
        const Verdict verdict = machine_.judge(ticket, request, now_);
        static constexpr const char* what[] = {"passes", "refused: ", "waits"};
        answer(what[static_cast<int>(verdict.what)] +
               (verdict.what == Verdict::What::refused ? error_name(verdict.error) : std::string()));
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

TEST(FaultTraces, answers_every_golden_trace_as_written) {
    test::check_golden_traces("tests/unit/storage/files/fault_traces", 13,
                              [](const std::string& text) { return FaultRun().run(text); });
}

}  // namespace
}  // namespace understudy::files
