// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <boost/asio/as_tuple.hpp>
#include <utility>

#include "storage/files/server/connection.hpp"
#include "storage/files/server/request_paths.hpp"

namespace understudy::files {
namespace asio = boost::asio;

bool Connection::is_cut_off() const {
    return share_ != nullptr && share_->faults->any() && share_->faults->is_cut_off(client_);
}

asio::awaitable<void> Connection::healed() {
    co_await healed_.async_wait(asio::as_tuple(asio::use_awaitable));
}

void Connection::faults_changed() {
    healed_.cancel();
    if (stream_->is_open() && is_cut_off()) return;
    for (auto& [tag, reply] : std::exchange(withheld_, {})) finish(tag, std::move(reply));
}

asio::awaitable<int> Connection::befalls(std::uint16_t tag, const Body& request) {
    std::optional<JudgedRequest> judged = judged_request(request, client_, [this](std::uint32_t fid) {
        const FidPtr known = find(fid);
        return known == nullptr ? std::string() : known->file->path;
    });
    if (!judged) co_return 0;
    const std::uint64_t ticket = share_->faults->new_ticket();
    held_[tag] = {[this, ticket] { share_->faults->cancel(ticket); }, written_bytes(request)};
    held_bytes_ += written_bytes(request);
    auto decided = share_->faults->judge(ticket, std::move(*judged));
    const int error = co_await std::move(decided);
    release_held(tag);
    co_return !stream_->is_open() ? Faults::given_up : error;
}

// The change of a share that is another's delegation waits until that was given back.
bool Connection::changes_share(const Body& request) const {
    if (share_ == nullptr) return false;
    if (const auto* open = std::get_if<Tlopen>(&request)) return (open->flags & O_TRUNC) != 0;
    if (const auto* clunk = std::get_if<Tclunk>(&request)) {
        const FidPtr fid = find(clunk->fid);
        return fid != nullptr && fid->attribute_write.has_value();
    }
    return changes_files(request);
}

asio::awaitable<bool> Connection::change_begins(std::uint16_t tag, std::size_t bytes) {
    const std::uint64_t ticket = share_->sessions->new_ticket();
    held_[tag] = {[this, ticket] { share_->sessions->cancel_change(ticket); }, bytes};
    held_bytes_ += bytes;
    auto begins = share_->sessions->change_begins(ticket, session_);
    const bool begun = co_await std::move(begins);
    release_held(tag);
    co_return begun;
}

asio::awaitable<Body> Connection::read_recall(std::uint16_t tag) {
    held_[tag] = {[this] { share_->sessions->stop_waiting_for_recall(session_); }, 0};
    auto recalled = share_->sessions->until_recalled(session_);
    co_await std::move(recalled);
    release_held(tag);
    co_return Rread{};
}

void Connection::release_held(std::uint16_t tag) {
    auto found = held_.find(tag);
    held_bytes_ -= found->second.bytes;
    held_.erase(found);
}

}  // namespace understudy::files
