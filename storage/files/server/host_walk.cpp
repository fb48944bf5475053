// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "storage/files/server/host_at_once.hpp"
#include "storage/files/server/host_files.hpp"
#include "storage/files/server/host_places.hpp"

namespace understudy::files {
namespace {

// None where a lookup of cached names alone doesn't tell.
std::optional<Body> walk(const HostFile& from, const Twalk& request, HostFile& to, Lookup lookup) {
    if (from.is_attribute) return failure(EINVAL);
    Rwalk reply;
    io::UniqueFd at;
    if (request.names.empty()) {
        at.reset(::fcntl(from.place.get(), F_DUPFD_CLOEXEC, 0));
        if (!at.valid()) return failure();
    }
    Qid qid = from.qid;
    std::string path = from.path;
    for (const std::string& name : request.names) {
        int error = 0;
        io::UniqueFd next;
        if (!is_one_name(name)) {
            error = name.size() > max_name_bytes ? ENAMETOOLONG : EINVAL;
        } else {
            next = place_of(at.valid() ? at.get() : from.place.get(), name, lookup);
            if (!next.valid()) error = errno;
        }
        std::optional<struct stat> status = next.valid() ? status_of(next.get()) : std::nullopt;
        if (error == 0 && !status) error = errno;
        if (error == EAGAIN && lookup == Lookup::cached) return std::nullopt;
        if (error != 0) {
            if (reply.qids.empty()) return failure(error);
            return reply;  // the names up to here were found; the new fid is not made
        }
        at = std::move(next);
        qid = qid_of(*status);
        path = joined(path, name);
        reply.qids.push_back(qid);
    }
    to.share = from.share;
    to.path = std::move(path);
    to.place = std::move(at);
    to.qid = qid;
    return reply;
}

}  // namespace

Body walk(const HostFile& from, const Twalk& request, HostFile& to) {
    return *walk(from, request, to, Lookup::whole);
}

std::optional<Body> walk_at_once(const HostFile& from, const Twalk& request, HostFile& to) {
    switch (from.share->waits()) {
        case WaitsFor::nothing:
            return walk(from, request, to, Lookup::whole);
        case WaitsFor::disk:
            return walk(from, request, to, Lookup::cached);
        case WaitsFor::anything:
            break;
    }
    return std::nullopt;
}

}  // namespace understudy::files
