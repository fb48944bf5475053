// SPDX-License-Identifier: Apache-2.0
// Attaching, and finding again what was there before.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <set>
#include <utility>

#include "base/io/clock.hpp"
#include "storage/files/core/session_machine.hpp"
#include "storage/files/mount/link.hpp"

namespace understudy::files {
namespace asio = boost::asio;
using io::monotonic_now;

// g++ 12 destroys an aggregate twice that is made inside a co_await expression: requests are made before it.

namespace {

constexpr std::size_t restored_at_once = 32;
constexpr Duration between_sessions = 1s;

}  // namespace

asio::awaitable<bool> Link::attach() {
    // From then on the server lets others change what was delegated before.
    end_delegation(DelegationState::over);
    Body version_request = Tversion{max_message_bytes, "9P2000.L"};
    Answer version = co_await control(std::move(version_request));
    if (stream_ == nullptr) co_return false;
    const auto* agreed = std::get_if<Rversion>(&version.body);
    if (agreed == nullptr || agreed->version != "9P2000.L" || agreed->message_bytes < min_message_bytes) {
        refused(agreed == nullptr ? "no answer to Tversion"
                                  : "it speaks " + agreed->version + ", not 9P2000.L");
        co_return false;
    }
    message_bytes_ = std::min(agreed->message_bytes, max_message_bytes);
    for (int attempt = 0; attempt < 2; ++attempt) {
        Instant asked = monotonic_now();
        std::string user = to_user_name({options_.client, incarnation_, attached_once_});
        // A number besides the name: servers that know users want one they know.
        auto proving = prove_key(user);
        const std::optional<std::uint32_t> proof = co_await std::move(proving);
        if (!proof) co_return false;
        Body attach_request = Tattach{root_fid, *proof, user, options_.share, ::getuid()};
        Answer answer = co_await control(std::move(attach_request));
        if (*proof != no_fid) {
            Body clunk_request = Tclunk{*proof};
            co_await control(std::move(clunk_request));
        }
        if (stream_ == nullptr) co_return false;
        if (const auto* attached = std::get_if<Rattach>(&answer.body)) {
            // A session that is resumed renews its lease only when it is ready again: else locks that nobody
            // uses any more were kept for as long as the share stalls and connections to it don't.
            if (!std::exchange(attached_once_, true)) {
                bound_ = true;
                lease_from_ = std::max(lease_from_, asked);
            }
            fids_.know(root_fid, {}, attached->qid);
            // Good enough for whoever unmounts, until the server tells more: a stalled share may not.
            if (root_.mode == 0) root_ = Rgetattr{.qid = attached->qid, .mode = S_IFDIR | 0755, .links = 2};
            co_await learn_lease();
            co_return co_await restore();
        }
        // Two mounts under one client's name end each other's sessions: not as fast as they can.
        if (answer.error == ESTALE && asked - session_lost_at_ < between_sessions) {
            refused("another mount took the place of client \"" + options_.client + "\"");
            co_return false;
        }
        if (answer.error != ESTALE) {
            refused(std::strerror(answer.error));
            co_return false;
        }
        // The server says that this incarnation is over.
        session_lost_at_ = asked;
        lose_session("the server has ended it");
    }
    co_return false;
}

asio::awaitable<void> Link::learn_lease() {
    Body xattrwalk_request = Txattrwalk{root_fid, scratch_fid, std::string(lease_attribute)};
    Answer found = co_await control(std::move(xattrwalk_request));
    if (stream_ == nullptr) co_return;  // lost meanwhile: that says nothing about the server
    has_lease_ = std::holds_alternative<Rxattrwalk>(found.body);
    if (!has_lease_) {  // another's server, which may answer in any order, and with any error
        keeps_order_ = false;
        co_return;
    }
    Body read_request = Tread{scratch_fid, 0, 32};
    Answer text = co_await control(std::move(read_request));
    if (const auto* read = std::get_if<Rread>(&text.body)) {
        std::int64_t milliseconds = 0;
        const std::string& digits = read->data.value;
        std::from_chars(digits.data(), digits.data() + digits.size(), milliseconds);
        if (milliseconds > 0) lease_ = std::chrono::milliseconds(milliseconds);
    }
    Body clunk_request = Tclunk{scratch_fid};
    co_await control(std::move(clunk_request));
    if (stream_ != nullptr) stream_->set_user_timeout(step_limit());
}

// Files with locks come first: after a restart the server waits for them only so long.
asio::awaitable<bool> Link::restore() {
    if (!has_lease_ && !locks_.empty()) lose_session("the server frees locks with the connection");
    std::set<std::uint64_t> locked;
    for (const auto& [file, lock] : locks_.all()) locked.insert(file.inode);
    std::vector<std::uint32_t> first = fids_.to_be_restored();
    auto rest = std::partition(first.begin(), first.end(),
                               [&](std::uint32_t fid) { return locked.contains(fids_.qid(fid).path); });
    std::vector<std::uint32_t> second(rest, first.end());
    first.erase(rest, first.end());
    if (!co_await restore_fids(std::move(first)) || !co_await reclaim_locks()) co_return false;
    const Instant asked = monotonic_now();
    Body statfs_request = Tstatfs{root_fid};
    Answer done = co_await control(std::move(statfs_request));  // tells that all locks were reclaimed
    if (done.error != 0 || !co_await restore_fids(std::move(second))) co_return false;
    lease_from_ = std::max(lease_from_, asked);
    co_return true;
}

asio::awaitable<bool> Link::restore_fids(std::vector<std::uint32_t> fids) {
    for (std::size_t at = 0; at < fids.size(); at += restored_at_once) {
        std::vector<std::pair<std::uint32_t, RequestPtr>> walks, opens;
        for (std::size_t i = at; i < std::min(fids.size(), at + restored_at_once); ++i) {
            const FidTable::Fid* fid = fids_.find(fids[i]);
            if (fid == nullptr || fid->dead) continue;
            std::vector<std::string> names = names_of(fid->path);
            if (fid->gone)
                fids_.died(fids[i]);
            else if (names.size() > max_walk_names)
                co_await walk_deep(fids[i], std::move(names));
            else
                walks.emplace_back(fids[i], send_control(Twalk{root_fid, fids[i], std::move(names)}));
        }
        for (auto& [fid, walk] : walks) {
            Answer answer = co_await this->answer(walk);
            const auto* walked = std::get_if<Rwalk>(&answer.body);
            if (stream_ != nullptr) arrived(fid, walked == nullptr ? nullptr : &walked->qids);
        }
        for (std::size_t i = at; i < std::min(fids.size(), at + restored_at_once); ++i) {
            const FidTable::Fid* fid = fids_.find(fids[i]);
            if (fid == nullptr || fid->dead || !fid->open_flags) continue;
            std::uint32_t flags = *fid->open_flags & ~static_cast<std::uint32_t>(O_CREAT | O_EXCL | O_TRUNC);
            opens.emplace_back(fids[i], send_control(Tlopen{fids[i], flags}));
        }
        for (auto& [fid, open] : opens) {
            Answer answer = co_await this->answer(open);
            if (answer.error != 0 && stream_ != nullptr) fids_.died(fid);
        }
        if (stream_ == nullptr) co_return false;
    }
    co_return true;
}

// A walk has 16 names at most: a deeper file takes several.
asio::awaitable<void> Link::walk_deep(std::uint32_t fid, std::vector<std::string> names) {
    std::vector<Qid> reached;
    for (std::size_t at = 0; at < names.size(); at += max_walk_names) {
        Twalk walk{at == 0 ? root_fid : fid, fid, {}};
        std::size_t end = std::min(names.size(), at + max_walk_names);
        walk.names.assign(names.begin() + static_cast<std::ptrdiff_t>(at),
                          names.begin() + static_cast<std::ptrdiff_t>(end));
        Answer answer = co_await control(std::move(walk));
        if (stream_ == nullptr) co_return;
        const auto* walked = std::get_if<Rwalk>(&answer.body);
        if (walked == nullptr) break;
        reached.insert(reached.end(), walked->qids.begin(), walked->qids.end());
        if (reached.size() != end) break;
    }
    arrived(fid, &reached);
}

// Is that still the file it was?
void Link::arrived(std::uint32_t fid, const std::vector<Qid>* qids) {
    const FidTable::Fid* wanted = fids_.find(fid);
    if (wanted == nullptr) return;
    bool whole_way = qids != nullptr && qids->size() == names_of(wanted->path).size();
    std::uint64_t reached = !whole_way ? 0 : qids->empty() ? fids_.qid(root_fid).path : qids->back().path;
    if (!whole_way || reached != wanted->qid.path) fids_.died(fid);
}

asio::awaitable<bool> Link::reclaim_locks() {
    for (const auto& [file, lock] : locks_.all()) {
        std::uint32_t through = fids_.open_on(file.inode);
        if (through == no_fid) continue;  // its file is gone, and so are its open fids
        Body request = to_request(lock, through, lock_flag_reclaim);
        Answer answer = co_await control(std::move(request));
        if (stream_ == nullptr) co_return false;
        const auto* status = std::get_if<Rlock>(&answer.body);
        if (status == nullptr || status->status != lock_success) {
            lose_session("a lock could not be reclaimed");
            disconnected("a lock could not be reclaimed");
            co_return false;
        }
    }
    co_return true;
}

}  // namespace understudy::files
