// SPDX-License-Identifier: Apache-2.0
#include "storage/files/mount/write_behind.hpp"

#include <fcntl.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

namespace understudy::files {
namespace asio = boost::asio;

WriteBehind::WriteBehind(asio::any_io_executor executor, Link& link, std::size_t limit_bytes,
                         OnError on_error)
    : executor_(executor),
      link_(link),
      limit_bytes_(limit_bytes),
      on_error_(std::move(on_error)),
      changed_(executor) {}

bool WriteBehind::takes(const OpenFile& file) const {
    // While the server is away writes wait for it, as the link's policy says.
    return limit_bytes_ > 0 && (file.flags & (O_APPEND | O_SYNC | O_DSYNC | O_DIRECT)) == 0 &&
           !file.has_failed && link_.is_ready() && !excluded_.contains(file.number);
}

bool WriteBehind::is_pending_elsewhere(const OpenFile& file) const {
    auto found = files_.find(file.number);
    return found != files_.end() && found->second.fid != file.fid;
}

void WriteBehind::send(OpenFilePtr file, std::string data, std::uint64_t offset) {
    const std::uint64_t sequence = next_++;
    bytes_ += data.size();
    pending_.insert(sequence);
    File& state = files_[file->number];
    state.fid = file->fid;
    state.pending.insert(sequence);
    const std::size_t bytes = data.size();
    RequestPtr request = link_.send(Twrite{file->fid, offset, {std::move(data)}}, nullptr);
    asio::co_spawn(executor_, finish(std::move(file), std::move(request), bytes, offset, sequence),
                   asio::detached);
}

asio::awaitable<void> WriteBehind::finish(OpenFilePtr file, RequestPtr request, std::size_t bytes,
                                          std::uint64_t offset, std::uint64_t sequence) {
    int error = 0;
    for (std::size_t left = bytes;;) {
        Answer answer = co_await link_.answer(request);
        error = error_of<Rwrite>(answer);
        if (error != 0) break;
        const std::size_t count = std::get<Rwrite>(answer.body).count;
        if (count == 0 && left != 0) error = EIO;
        if (error != 0 || count >= left) break;
        left -= count;
        offset += count;
        const std::string& data = request->frame->data;
        request = link_.send(Twrite{file->fid, offset, {data.substr(data.size() - left)}}, nullptr);
    }
    bytes_ -= bytes;
    pending_.erase(sequence);
    auto state = files_.find(file->number);
    state->second.pending.erase(sequence);
    if (state->second.pending.empty()) files_.erase(state);
    if (error != 0) on_error_(file->number, error);
    changed_.notify();
}

asio::awaitable<void> WriteBehind::written(std::uint64_t number) {
    const std::uint64_t later = next_;
    for (auto file = files_.find(number); file != files_.end() && *file->second.pending.begin() < later;
         file = files_.find(number))
        co_await changed_.wait();
}

asio::awaitable<void> WriteBehind::all_written() {
    const std::uint64_t later = next_;
    while (!pending_.empty() && *pending_.begin() < later) co_await changed_.wait();
}

}  // namespace understudy::files
