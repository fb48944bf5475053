// SPDX-License-Identifier: Apache-2.0
#include "storage/files/server/sessions.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

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
                   Duration lease, io::EventWriter& events)
    : machine_(lease),
      timer_(executor),
      share_(std::move(share)),
      kept_in_(std::move(kept_in)),
      events_(events) {}

Result<void> Sessions::restore() {
    std::vector<SessionMachine::LiveSession> live;
    std::ifstream file(kept_in_);
    for (std::string line; std::getline(file, line);) {
        std::optional<ClientName> name = parse_client_name(line);
        if (name && !name->incarnation.empty()) live.push_back({name->client, name->incarnation});
    }
    machine_.restore(live, io::monotonic_now());
    if (!live.empty())
        spdlog::info("{}: {} session(s) of before may reclaim their locks within {}", share_, live.size(),
                     format_duration(machine_.lease()));
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
    if (paths_.size() >= max_remembered_paths) paths_.clear();
    paths_[file] = path;
    LockOutcome outcome = machine_.lock(file, wanted, reclaim, io::monotonic_now());
    carry_out();
    return outcome;
}

void Sessions::unlock(const LockedFile& file, const LockOwner& owner, const LockRange& range) {
    machine_.unlock(file, owner, range);
    carry_out();
}

void Sessions::carry_out() {
    std::vector<SessionAction> actions = machine_.take_actions();
    bool changed = false;
    for (const SessionAction& action : actions) changed |= !std::holds_alternative<LockChanged>(action);
    if (changed)
        if (Result<void> kept = keep(); kept.has_error())
            spdlog::error("{}: the live sessions can't be kept over a restart: {}", share_,
                          kept.error().message());
    for (const SessionAction& action : actions) {
        if (const auto* ended = std::get_if<SessionEnded>(&action)) ended_(ended->session);
        if (const auto* expired = std::get_if<SessionExpired>(&action)) ended_(expired->session);
        report(action);
    }
    arm();
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
    std::string text;
    for (const SessionMachine::LiveSession& live : machine_.live_sessions())
        text += to_user_name({live.client, live.incarnation, false}) + "\n";
    return write_durably(kept_in_, text);
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
                   [&](const LockChanged& it) {
                       static constexpr const char* names[] = {"lock_granted", "lock_released",
                                                               "lock_refused", "lock_expired"};
                       auto known = paths_.find(it.file);
                       std::string path =
                           known == paths_.end() ? fmt::format("inode {}", it.file.inode) : known->second;
                       std::string detail =
                           it.holder.empty() ? fmt::format("{} {}", it.client, path)
                                             : fmt::format("{} {}: held by {}", it.client, path, it.holder);
                       std::map<std::string, AttributeValue> attributes = {
                           {"client", it.client}, {"path", path}, {"share", share_}};
                       if (!it.holder.empty()) attributes["holder"] = it.holder;
                       events_.report(names[static_cast<int>(it.what)], detail, attributes);
                   },
               },
               action);
}

}  // namespace understudy::files
