// SPDX-License-Identifier: Apache-2.0
#include "trace.hpp"

#include <fmt/format.h>

#include <map>
#include <sstream>

#include "base/assert.hpp"
#include "storage/files/core/session_machine.hpp"
#include "tests/support/golden_traces.hpp"
#include "tests/support/timed_trace.hpp"

namespace understudy::files {
namespace {

const char* word(LockOutcome outcome) {
    static constexpr const char* words[] = {"granted", "conflict", "grace", "too many",
                                            "stale",   "deadlock", "waits", "cancelled"};
    return words[static_cast<int>(outcome)];
}

const char* word(FenceSet outcome) {
    static constexpr const char* words[] = {"carried", "overtaken", "never given", "too many", "no session"};
    return words[static_cast<int>(outcome)];
}

std::string file_name(std::uint64_t inode) {
    return std::string(1, static_cast<char>(inode));
}

std::uint64_t inode_of(const std::string& name) {
    UNDERSTUDY_ASSERT(name.size() == 1, name.c_str());
    return static_cast<std::uint64_t>(name[0]);
}

std::string words(const SessionOpened& it) {
    return it.client + (it.resumed ? " is back" : " opened");
}
std::string words(const SessionEnded& it) {
    return it.client + " ended: " + it.reason;
}
std::string words(const SessionExpired& it) {
    return it.client + " expired";
}
std::string words(const LockChanged& it) {
    static constexpr const char* what[] = {"granted", "released", "refused", "expired", "waits"};
    return fmt::format("{} {} {} {}..{}{}", it.client, what[static_cast<int>(it.what)],
                       file_name(it.file.inode), it.range.first, it.range.last,
                       it.holder.empty() ? "" : ", held by " + it.holder);
}
std::string words(const FencesChanged&) {
    return "keep fences";
}
std::string words(const WriteFenced& it) {
    return fmt::format("{} is fenced off {}: carries {}, latest {}", it.client, file_name(it.inode),
                       it.carried, it.latest);
}
std::string words(const WaiterAnswered& it) {
    return fmt::format("answer {}: {}", it.ticket, word(it.outcome));
}

class Run {
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
        if (keyword == "restore") return restore(in);
        if (!test::advance(machine_, keyword, in, now_, [this](Instant at) { show(at); })) return;
        in >> verb;
        event(verb, in);
        show(now_);
    }

    void restore(std::istringstream& in) {
        SessionRecord record;
        for (std::string name; in >> name;) {
            if (name == "fence") {
                in >> record.fences_reserved;
                continue;
            }
            ClientName client = *parse_client_name(name);
            record.live.push_back({client.client, client.incarnation});
            sessions_[name] = record.live.size();
        }
        machine_.restore(record, now_);
    }

    void event(const std::string& verb, std::istringstream& in) {
        std::string who, file;
        if (verb == "fence") {
            if (in >> file)
                answer(std::to_string(machine_.fences().number(inode_of(file))));
            else
                answer(std::to_string(machine_.fences().latest()));
            return;
        }
        in >> who;
        if (verb == "cancel") return machine_.cancel(std::stoull(who));
        if (verb == "attach") return attach(who);
        LockOwner owner;
        if (std::size_t slash = who.find('/'); slash != std::string::npos) {
            owner.client_id = who.substr(slash + 1);
            who.resize(slash);
        }
        owner.session = sessions_.at(who);
        if (verb == "heard") return machine_.heard(owner.session, now_);
        if (verb == "reclaimed") return machine_.reclaim_done(owner.session);
        if (verb == "end") return machine_.end(owner.session, "unmounted");
        in >> file;
        if (verb == "lock") return lock(owner, file, in);
        if (verb == "unlock") return machine_.unlock({inode_of(file), LockSpace::range}, owner, range(in));
        if (verb == "close") return machine_.release_file(owner.session, inode_of(file));
        if (verb == "set_fence") {
            std::uint64_t number = 0;
            in >> number;
            return answer(word(machine_.set_fence(owner.session, inode_of(file), number)));
        }
        UNDERSTUDY_ASSERT(verb == "write", verb.c_str());
        answer(machine_.may_write(owner.session, inode_of(file)) ? "may write" : "may not write");
    }

    void attach(const std::string& user) {
        AttachOutcome outcome = machine_.attach(*parse_client_name(user), now_);
        if (const auto* refused = std::get_if<AttachRefused>(&outcome))
            return answer(fmt::format("refused{}: {}", refused->stale ? " for good" : "", refused->reason));
        std::size_t resume = user.find("#resume");
        sessions_[user.substr(0, resume)] = std::get<Attached>(outcome).session;
    }

    void lock(const LockOwner& owner, const std::string& file_word, std::istringstream& in) {
        LockedFile file{inode_of(file_word), LockSpace::range};
        std::string mode, how;
        in >> mode;
        UNDERSTUDY_ASSERT(mode == "exclusive" || mode == "shared", mode.c_str());
        HeldLock wanted{owner, range(in), mode == "shared" ? LockMode::shared : LockMode::exclusive};
        in >> how;
        if (how == "wait") {
            std::uint64_t ticket = 0;
            in >> ticket;
            return answer(word(machine_.lock_or_wait(ticket, file, wanted, now_)));
        }
        answer(word(machine_.lock(file, wanted, how == "reclaim", now_)));
    }

    static LockRange range(std::istringstream& in) {
        LockRange range;
        char dot = 0;
        in >> range.first >> dot >> dot >> range.last;
        UNDERSTUDY_ASSERT(!in.fail(), "a range is written FIRST..LAST");
        return range;
    }

    void answer(const std::string& text) { out_ += fmt::format("  -> {}\n", text); }
    void show(Instant when) {
        for (const SessionAction& action : machine_.take_actions())
            out_ += fmt::format("  -> {} {}\n", format_duration(when.time_since_epoch()),
                                std::visit([](const auto& it) { return words(it); }, action));
    }

    SessionMachine machine_{30s};
    Instant now_{};
    std::map<std::string, std::uint64_t> sessions_;
    std::string out_;
};

}  // namespace

std::string run_trace(const std::string& text) {
    return Run().run(text);
}

}  // namespace understudy::files
