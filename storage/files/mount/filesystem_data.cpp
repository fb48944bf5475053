// SPDX-License-Identifier: Apache-2.0
// The data of open files.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "storage/files/mount/filesystem.hpp"

namespace understudy::files {
namespace asio = boost::asio;

Filesystem::Task Filesystem::read(CallPtr call, std::uint64_t id, std::size_t size, std::uint64_t offset) {
    OpenFilePtr file = live_handle(id);
    if (file == nullptr) {
        call->error(ESTALE);
        co_return;
    }
    co_await behind_.written(file->number);
    cache_.changed(file->number);  // when it was read
    RequestPtr ahead;
    if (size <= link_.data_bytes()) ahead = ahead_.take(*file, offset, static_cast<std::uint32_t>(size));
    std::string data;
    do {
        if (link_.fids().is_dead(file->fid)) {
            call->error(ESTALE);
            co_return;
        }
        auto count =
            static_cast<std::uint32_t>(std::min<std::size_t>(size - data.size(), link_.data_bytes()));
        const bool was_ahead = ahead != nullptr;
        RequestPtr asked = std::exchange(ahead, nullptr);
        if (!was_ahead) asked = link_.send(Tread{file->fid, offset + data.size(), count}, call->answered());
        // What this mount writes meanwhile must not be missed.
        if (count == size && !behind_.is_pending(file->number)) ahead_.read(*file, offset, count);
        Answer answer = co_await link_.answer(std::move(asked));
        if (int error = error_of<Rread>(answer); error != 0) {
            call->error(error);
            co_return;
        }
        std::string& part = std::get<Rread>(answer.body).data.value;
        const std::size_t got = part.size();
        if (was_ahead && got < count) continue;  // the file's end, as it was then
        if (data.empty())
            data = std::move(part);
        else
            data += part;
        if (got == 0 || (got < count && link_.reads_fully())) break;
    } while (data.size() < size);
    cache_.changed(file->number);
    call->data(data);
}

Filesystem::Task Filesystem::write(CallPtr call, std::uint64_t id, std::string data, std::uint64_t offset) {
    OpenFilePtr file = live_handle(id);
    if (file == nullptr) {
        call->error(ESTALE);
        co_return;
    }
    const std::size_t size = data.size();
    if (size <= link_.data_bytes() && behind_.takes(*file)) {
        if (behind_.is_pending_elsewhere(*file)) co_await behind_.written(file->number);
        while (!behind_.has_room(size) && !call->was_answered()) co_await behind_.changed();
        if (call->was_answered()) co_return;
        if (behind_.takes(*file) && !link_.fids().is_dead(file->fid)) {
            ahead_.drop(file->number);
            cache_.changed(file->number);
            behind_.send(std::move(file), std::move(data), offset);
            call->written(size);
            co_return;
        }
    }
    co_await write_now(std::move(call), std::move(file), std::move(data), offset);
}

Filesystem::Task Filesystem::write_now(CallPtr call, OpenFilePtr file, std::string data,
                                       std::uint64_t offset) {
    co_await behind_.written(file->number);
    cache_.changed(file->number);
    std::size_t done = 0;
    int error = file->take_write_error();
    while (done < data.size() && error == 0) {
        if (link_.fids().is_dead(file->fid)) {
            error = ESTALE;
            break;
        }
        Twrite request{file->fid, offset + done, {data.substr(done, link_.data_bytes())}};
        Answer answer = co_await ask(call, std::move(request));
        error = error_of<Rwrite>(answer);
        if (error != 0) break;
        std::uint32_t count = std::get<Rwrite>(answer.body).count;
        if (count == 0) break;
        done += count;
    }
    ahead_.drop(file->number);  // what was asked for while it was written
    cache_.changed(file->number);
    if (done == 0 && error != 0)
        call->error(error);
    else
        call->written(done);
}

// The kernel chooses any descriptor of the file for a mapping's pages. One that appends would put them at the
// file's end.
Filesystem::Task Filesystem::write_pages(CallPtr call, fuse_ino_t inode, std::uint64_t id, std::string data,
                                         std::uint64_t offset) {
    OpenFilePtr file = live_handle(id);
    if (file != nullptr && (file->flags & O_APPEND) != 0) {
        if (file->for_pages == nullptr) {
            Opened opened = co_await open_again(call, fid_of(inode), O_WRONLY);
            file->for_pages = std::move(opened.file);
        }
        file = file->for_pages;
    }
    if (file == nullptr)
        call->error(ESTALE);
    else
        co_await write_now(std::move(call), std::move(file), std::move(data), offset);
}

void Filesystem::write_failed(std::uint64_t number, int error) {
    for (const auto& [id, file] : handles_)
        if (file->number == number) file->write_failed(error);
}

Filesystem::Task Filesystem::fsync(CallPtr call, std::uint64_t id, bool data_only) {
    OpenFilePtr file = handle(id);
    if (file != nullptr) co_await behind_.written(file->number);
    int error = file == nullptr ? ESTALE : file->take_write_error();
    if (error == 0 && link_.fids().is_dead(file->fid)) error = ESTALE;
    if (error == 0) {
        Body fsync_request = Tfsync{file->fid, data_only ? 1U : 0U};
        Answer answer = co_await ask(call, std::move(fsync_request));
        error = error_of<Rfsync>(answer);
    }
    call->error(error);
}

}  // namespace understudy::files
