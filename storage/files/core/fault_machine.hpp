// SPDX-License-Identifier: Apache-2.0
// The faults in force on one share, and what they mean for a request.
//
// How several compose, for a request that each of them matches by client and path:
//   1. After a power loss nothing is ever answered.
//   2. While one stalls it or cuts its client off, it waits. When none does any more, it is judged as if it
//      came at that moment, and those that waited in the order they came.
//   3. Of those that refuse it (read-only, error) the one applied first gives the errno. Each error fault
//   draws
//      once for every request that comes this far, whatever the others say: what one decides doesn't depend
//      on the others, so healing one undoes exactly that one. ENOSPC and EDQUOT befall only what needs space.
//   4. Delays add up; what is refused is delayed too. A rate is shared by all that a fault matches. Healing
//      takes away what that fault added, also for requests that wait already.
// A file is matched by the path it was walked to, a request that names two by either. Limits: 64 faults; of
// requests that wait, the caller's. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/random.hpp"
#include "base/time.hpp"
#include "storage/core/fault_list.hpp"
#include "storage/files/core/fault.hpp"

namespace understudy::files {

struct JudgedRequest {
    std::string client;
    std::string path, other_path;  // the second: empty where it names one file
    bool changes = false;          // EROFS befalls it
    bool needs_space = false;      // ENOSPC and EDQUOT befall it
    std::uint64_t bytes = 0;       // read or written
};

struct Verdict {
    enum class What { passes, refused, waits } what = What::passes;
    int error = 0;  // refused
};

struct FaultApplied {
    std::string id;
    Fault fault;
};
struct FaultHealed {
    std::string id;
    Fault fault;
    bool by_itself;  // its time was over
};
struct RequestReleased {  // the ticket is over
    std::uint64_t ticket;
    int error;  // 0: it may go on
};
struct PowerLost {
    std::string id;
    Fault fault;
};
using FaultAction = std::variant<FaultApplied, FaultHealed, RequestReleased, PowerLost>;

// What the machine keeps for a fault beside what is shown.
struct FaultDraws {
    Random draws;
    Instant busy_until{};
};

class FaultMachine {
  public:
    using FaultList = storage::FaultList<Fault, FaultDraws>;
    using InForce = FaultList::InForce;

    // Error kind bad_input: the id is in force or empty, or there are too many.
    Result<void> apply(const std::string& id, const Fault& fault, Instant now);
    bool heal(const std::string& id, Instant now);  // false: not in force

    bool any() const { return !faults_.empty() || power_lost_; }
    bool is_cut_off(std::string_view client) const;

    // `waits`: RequestReleased{ticket} follows, unless it is cancelled first. A ticket is used once.
    Verdict judge(std::uint64_t ticket, const JudgedRequest& request, Instant now);
    void cancel(std::uint64_t ticket);  // nothing when it doesn't wait (any more)

    void on_timeout(Instant now);
    std::optional<Deadline> next_deadline() const;
    std::vector<FaultAction> take_actions();

    std::vector<InForce> in_force() const { return faults_.in_force(); }
    std::size_t waiting() const { return waiting_.size(); }

  private:
    struct Waiting {
        JudgedRequest request;
        std::optional<Instant> due;  // none: stalled
        int error = 0;
        std::vector<std::pair<std::uint64_t, Duration>> delays;  // by the fault's sequence
    };
    Verdict judge_unstalled(std::uint64_t ticket, const JudgedRequest& request, Instant now);
    bool stalls(const JudgedRequest& request);
    void removed(const FaultList::Entry& entry, bool by_itself, Instant now);
    void release_stalled(Instant now);
    void release_due(Instant now);

    FaultList faults_;
    std::map<std::uint64_t, Waiting> waiting_;  // by ticket
    bool power_lost_ = false;
    std::vector<FaultAction> actions_;
};

}  // namespace understudy::files
