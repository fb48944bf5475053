// SPDX-License-Identifier: Apache-2.0
#include "storage/files/admin/documents.hpp"

namespace understudy::files {
namespace {

std::string client_of(const ExportedShare& share, std::uint64_t session) {
    return share.sessions->machine().client_of(session);
}

json::object document_of(const ExportedShare& share, const LockedFile& file, const HeldLock& lock) {
    const bool to_end = lock.range.last == LockRange::to_end;
    return {{"client", client_of(share, lock.owner.session)},
            {"path", share.sessions->path_of(file)},
            {"kind", file.space == LockSpace::range ? "range" : "whole_file"},
            {"mode", lock.mode == LockMode::exclusive ? "exclusive" : "shared"},
            {"first", lock.range.first},
            {"last", to_end ? json::value(nullptr) : json::value(lock.range.last)},
            {"fence", share.sessions->fence(file.inode)}};
}

json::array sessions_of(const ExportedShare& share, Instant now) {
    json::array all;
    for (const SessionMachine::Listed& it : share.sessions->machine().sessions())
        all.push_back(
            json::object{{"client", it.client},
                         {"leased", it.lease_end.has_value()},
                         {"lease_ms", it.lease_end ? json::value(whole_milliseconds(*it.lease_end - now))
                                                   : json::value(nullptr)},
                         {"locks", share.sessions->machine().locks().count(it.session)}});
    return all;
}

json::array carried_of(const ExportedShare& share) {
    json::array all;
    for (const auto& [key, carried] : share.sessions->machine().fences().all_carried())
        all.push_back(json::object{{"client", client_of(share, key.second)},
                                   {"path", share.sessions->path_of({key.first, LockSpace::range})},
                                   {"number", carried.number},
                                   {"overtaken", carried.overtaken}});
    return all;
}

json::array faults_of(const ExportedShare& share, Instant now) {
    json::array all;
    for (const FaultMachine::InForce& it : share.faults->in_force())
        all.push_back(json::object{{"id", it.id},
                                   {"kind", to_string(it.fault.kind)},
                                   {"detail", describe(it.fault)},
                                   {"age_ms", whole_milliseconds(now - it.since)},
                                   {"befell", it.befell}});
    return all;
}

json::value delegated_to(const ExportedShare& share) {
    const std::optional<std::uint64_t> holder = share.sessions->machine().delegation().holder();
    return holder ? json::value(client_of(share, *holder)) : json::value(nullptr);
}

json::object document_of(const std::string& name, const ExportedShare& share, Instant now) {
    json::array locks, waiting;
    for (const auto& [file, lock] : share.sessions->machine().locks().all())
        locks.push_back(document_of(share, file, lock));
    for (const WaitingLock& it : share.sessions->waiting())
        waiting.push_back(document_of(share, it.file, it.wanted));
    return {{"name", name},
            {"used_bytes", share.share->used_bytes()},
            {"quota_bytes", share.share->quota_bytes()},
            {"power_loss", share.share->undo() != nullptr},
            {"asks_for_key", !share.key.empty()},
            {"fence", share.sessions->share_fence()},
            {"delegated_to", delegated_to(share)},
            {"requests_waiting", share.faults->waiting()},
            {"sessions", sessions_of(share, now)},
            {"locks", std::move(locks)},
            {"waiting", std::move(waiting)},
            {"carried_fences", carried_of(share)},
            {"faults", faults_of(share, now)}};
}

}  // namespace

json::object state_document(const Shares& shares, Instant now) {
    json::array all;
    for (const auto& [name, share] : shares) all.push_back(document_of(name, share, now));
    return {{"shares", std::move(all)}};
}

json::object part_document(const Shares& shares, const std::string& part, Instant now) {
    json::array all;
    for (const auto& [name, share] : shares) {
        json::object whole = document_of(name, share, now);
        json::object one{{"name", name}, {part, std::move(whole.at(part))}};
        if (part == "locks") one["waiting"] = std::move(whole.at("waiting"));
        all.push_back(std::move(one));
    }
    return {{"shares", std::move(all)}};
}

}  // namespace understudy::files
