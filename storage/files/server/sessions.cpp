// SPDX-License-Identifier: Apache-2.0
#include "storage/files/server/sessions.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/io/clock.hpp"
#include "base/io/unique_fd.hpp"

namespace understudy::files {
namespace {

constexpr std::size_t max_remembered_paths = 4096;

template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

Result<void> write_durably(const std::string& path, const std::string& text) {
    std::string fresh = path + ".new";
    io::UniqueFd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.valid()) return system_error(fresh, errno, ErrorKind::environment);
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(file.get()) != 0)
        return system_error(fresh, errno, ErrorKind::environment);
    if (::rename(fresh.c_str(), path.c_str()) != 0) return system_error(path, errno, ErrorKind::environment);
    io::UniqueFd directory(
        ::open(std::filesystem::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.valid()) ::fsync(directory.get());
    return {};
}

}  // namespace

Sessions::Sessions(boost::asio::any_io_executor executor, std::string share, std::string kept_in,
                   Duration lease, Duration delegate_after, io::EventWriter& events)
    : machine_(lease, delegate_after),
      timer_(executor),
      share_(std::move(share)),
      kept_in_(std::move(kept_in)),
      events_(events) {}

Result<void> Sessions::restore() {
    std::stringstream text;
    text << std::ifstream(kept_in_).rdbuf();
    SessionRecord record = parse_session_record(text.str());
    machine_.restore(record, io::monotonic_now());
    if (!record.live.empty())
        spdlog::info("{}: {} session(s) of before may reclaim their locks within {}", share_,
                     record.live.size(), format_duration(machine_.lease()));
    arm();
    return keep();
}

AttachOutcome Sessions::attach(const ClientName& name) {
    AttachOutcome outcome = machine_.attach(name, io::monotonic_now());
    carry_out();
    return outcome;
}

void Sessions::heard(std::uint64_t session) {
    machine_.heard(session, io::monotonic_now());
}

void Sessions::end(std::uint64_t session, const std::string& reason) {
    machine_.end(session, reason);
    carry_out();
}

LockOutcome Sessions::lock(const LockedFile& file, const HeldLock& wanted, bool reclaim,
                           const std::string& path) {
    remember(file, path);
    LockOutcome outcome = machine_.lock(file, wanted, reclaim, io::monotonic_now());
    carry_out();
    return outcome;
}

boost::asio::awaitable<LockOutcome> Sessions::lock_or_wait(std::uint64_t ticket, LockedFile file,
                                                           HeldLock wanted, std::string path) {
    remember(file, path);
    LockOutcome outcome = machine_.lock_or_wait(ticket, file, wanted, io::monotonic_now());
    if (outcome != LockOutcome::waits) {
        carry_out();
        co_return outcome;
    }
    auto waiter = std::make_shared<Waiter>(Waiter{boost::asio::steady_timer(timer_.get_executor())});
    waiter->answered.expires_at(boost::asio::steady_timer::time_point::max());
    waiters_[ticket] = waiter;
    carry_out();  // may answer it already
    while (waiter->outcome == LockOutcome::waits)
        co_await waiter->answered.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    co_return waiter->outcome;
}

void Sessions::cancel(std::uint64_t ticket) {
    machine_.cancel(ticket);
    carry_out();
}

FenceSet Sessions::set_fence(std::uint64_t session, std::uint64_t inode, std::uint64_t number) {
    FenceSet outcome = machine_.set_fence(session, inode, number);
    carry_out();
    return outcome;
}

bool Sessions::may_write(std::uint64_t session, std::uint64_t inode, const std::string& path) {
    if (machine_.may_write(session, inode)) return true;
    remember({inode, LockSpace::range}, path);
    carry_out();
    return false;
}

void Sessions::unlock(const LockedFile& file, const LockOwner& owner, const LockRange& range) {
    machine_.unlock(file, owner, range);
    carry_out();
}

void Sessions::release_file(std::uint64_t session, std::uint64_t inode) {
    machine_.release_file(session, inode);
    carry_out();
}

void Sessions::release_all_files_but(std::uint64_t session,
                                     const std::function<bool(std::uint64_t)>& is_kept) {
    for (const auto& [file, held] : machine_.locks().all())
        if (held.owner.session == session && !is_kept(file.inode)) machine_.release_file(session, file.inode);
    carry_out();
}

std::shared_ptr<SessionGate> Sessions::gate(std::uint64_t session) {
    std::shared_ptr<SessionGate>& gate = gates_[session];
    if (gate == nullptr) gate = std::make_shared<SessionGate>();
    return gate;
}

void Sessions::close_gate(std::uint64_t session) {
    const auto found = gates_.find(session);
    if (found == gates_.end()) return;
    found->second->close();
    gates_.erase(found);
}

void Sessions::carry_out() {
    std::vector<SessionAction> actions = machine_.take_actions();
    const std::vector<DelegationAction> delegation = machine_.delegation().take_actions();
    bool changed = std::any_of(delegation.begin(), delegation.end(), [](const DelegationAction& action) {
        return std::holds_alternative<DelegationGranted>(action) ||
               std::holds_alternative<DelegationEnded>(action);
    });
    for (const SessionAction& action : actions) {
        if (const auto* ended = std::get_if<SessionEnded>(&action)) close_gate(ended->session);
        if (const auto* expired = std::get_if<SessionExpired>(&action)) close_gate(expired->session);
    }
    for (const SessionAction& action : actions)
        changed |= !std::holds_alternative<LockChanged>(action) &&
                   !std::holds_alternative<WaiterAnswered>(action) &&
                   !std::holds_alternative<WriteFenced>(action);
    if (changed)
        if (Result<void> kept = keep(); kept.has_error())
            spdlog::error("{}: sessions and fencing numbers can't be kept over a restart: {}", share_,
                          kept.error().message());
    for (const SessionAction& action : actions) {
        if (const auto* ended = std::get_if<SessionEnded>(&action)) ended_(ended->session);
        if (const auto* expired = std::get_if<SessionExpired>(&action)) ended_(expired->session);
        count(action);
        if (const auto* answered = std::get_if<WaiterAnswered>(&action)) answer(*answered);
        report(action);
    }
    carry_out(delegation);
    arm();
}

void Sessions::count(const SessionAction& action) {
    if (const auto* opened = std::get_if<SessionOpened>(&action))
        ++(opened->resumed ? counts_.resumed : counts_.opened);
    if (std::holds_alternative<SessionEnded>(action)) ++counts_.ended;
    if (std::holds_alternative<SessionExpired>(action)) ++counts_.expired;
    if (std::holds_alternative<WriteFenced>(action)) ++counts_.writes_fenced;
    const auto* lock = std::get_if<LockChanged>(&action);
    if (lock == nullptr) return;
    std::uint64_t* const counters[] = {&counts_.locks_granted, &counts_.locks_released,
                                       &counts_.locks_refused, &counts_.locks_expired, &counts_.locks_waited};
    ++*counters[static_cast<int>(lock->what)];
}

void Sessions::answer(const WaiterAnswered& answered) {
    auto found = waiters_.find(answered.ticket);
    if (found == waiters_.end()) return;
    found->second->outcome = answered.outcome;
    found->second->answered.cancel();
    waiters_.erase(found);
}

void Sessions::arm() {
    std::optional<Deadline> next = machine_.next_deadline();
    if (!next) {
        timer_.cancel();
        return;
    }
    // Messages push the deadline on without coming here: it is looked at again when it passes.
    timer_.expires_at(io::to_steady(next->when));
    timer_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        machine_.on_timeout(io::monotonic_now());
        carry_out();
    });
}

Result<void> Sessions::keep() const {
    return write_durably(kept_in_, to_text(machine_.record()));
}

void Sessions::report(const SessionAction& action) {
    std::visit(Overloaded{
                   [&](const SessionOpened& it) {
                       events_.report(
                           "session_opened",
                           fmt::format("{} {} {}", it.client, it.resumed ? "is back on" : "opened", share_),
                           {{"client", it.client}, {"share", share_}, {"resumed", it.resumed}});
                   },
                   [&](const SessionEnded& it) {
                       events_.report("session_closed", fmt::format("{}: {}", it.client, it.reason),
                                      {{"client", it.client}, {"share", share_}});
                   },
                   [&](const SessionExpired& it) {
                       events_.report(
                           "session_expired",
                           fmt::format("nothing heard from {} for {}", it.client, format_duration(lease())),
                           {{"client", it.client}, {"share", share_}});
                   },
                   [&](const LockChanged& it) { report_lock(it); },
                   [&](const WriteFenced& it) {
                       std::string path = path_of({it.inode, LockSpace::range});
                       events_.report("write_fenced",
                                      fmt::format("{} {}: its writes carry {}, the file's number is {}",
                                                  it.client, path, it.carried, it.latest),
                                      {{"client", it.client},
                                       {"path", path},
                                       {"share", share_},
                                       {"carried", static_cast<std::int64_t>(it.carried)},
                                       {"latest", static_cast<std::int64_t>(it.latest)}});
                   },
                   [](const FencesChanged&) {},
                   [](const WaiterAnswered&) {},
               },
               action);
}

void Sessions::report_lock(const LockChanged& it) {
    static constexpr const char* names[] = {"lock_granted", "lock_released", "lock_refused", "lock_expired",
                                            "lock_waits"};
    std::string path = path_of(it.file);
    std::string detail = it.holder.empty() ? fmt::format("{} {}", it.client, path)
                                           : fmt::format("{} {}: held by {}", it.client, path, it.holder);
    std::map<std::string, AttributeValue> attributes = {
        {"client", it.client}, {"path", path}, {"share", share_}};
    if (!it.holder.empty()) attributes["holder"] = it.holder;
    events_.report(names[static_cast<int>(it.what)], detail, attributes);
}

void Sessions::remember(const LockedFile& file, const std::string& path) {
    if (paths_.size() >= max_remembered_paths) paths_.clear();
    paths_[file] = path;
}

std::string Sessions::path_of(const LockedFile& file) const {
    auto known = paths_.find(file);
    return known == paths_.end() ? fmt::format("inode {}", file.inode) : known->second;
}

}  // namespace understudy::files
