// SPDX-License-Identifier: Apache-2.0
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
    const auto* write = std::get_if<Twrite>(&request);
    const Held held{share_->faults->new_ticket(), write == nullptr ? 0 : write->data.value.size()};
    held_[tag] = held;
    held_bytes_ += held.bytes;
    auto decided = share_->faults->judge(held.ticket, std::move(*judged));
    const int error = co_await std::move(decided);
    held_bytes_ -= held.bytes;
    held_.erase(tag);
    co_return !stream_->is_open() ? Faults::given_up : error;
}

}  // namespace understudy::files
