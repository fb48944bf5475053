// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/fid_turns.hpp"

#include <algorithm>
#include <type_traits>
#include <variant>

namespace understudy::files {
namespace {

template <typename T, typename... Any>
constexpr bool is_one_of = (std::is_same_v<T, Any> || ...);

template <typename Change>
void for_each_fid(const NamedFids& named, Change change) {
    for (const NamedFids::Fid& fid : named.fids)
        if (fid.number != no_fid) change(fid);
}

}  // namespace

NamedFids named_fids(const Body& request) {
    return std::visit(
        [](const auto& it) {
            using T = std::decay_t<decltype(it)>;
            NamedFids named;
            if constexpr (is_one_of<T, Twalk, Txattrwalk>)
                named.fids = {{{it.fid, it.fid == it.new_fid}, {it.new_fid, true}}};
            else if constexpr (std::is_same_v<T, Tattach>)
                named.fids = {{{it.fid, true}, {it.auth_fid, false}}};
            else if constexpr (is_one_of<T, Tauth, Tlopen, Tlcreate, Txattrcreate, Tclunk, Tremove>)
                named.fids[0] = {it.fid, true};
            else if constexpr (std::is_same_v<T, Trenameat>)
                named.fids = {{{it.old_fid, false}, {it.new_fid, false}}};
            else if constexpr (is_one_of<T, Trename, Tlink>)
                named.fids = {{{it.fid, false}, {it.directory_fid, false}}};
            else if constexpr (requires { it.fid; })
                named.fids[0] = {it.fid, false};
            return named;
        },
        request);
}

bool FidTurns::is_idle(const NamedFids& named) const {
    bool idle = true;
    for_each_fid(named, [&](const NamedFids::Fid& fid) { idle = idle && !uses_.contains(fid.number); });
    return idle;
}

bool FidTurns::runs_alone(const NamedFids& named) const {
    bool alone = true;
    for_each_fid(named, [&](const NamedFids::Fid& fid) {
        const auto use = uses_.find(fid.number);
        if (use != uses_.end() && use->second.running > 1) alone = false;
    });
    return alone;
}

bool FidTurns::is_free(const NamedFids& named) const {
    bool free = true;
    for_each_fid(named, [&](const NamedFids::Fid& fid) {
        const auto use = uses_.find(fid.number);
        if (use != uses_.end() && (use->second.binding != 0 || use->second.waiting != 0)) free = false;
    });
    return free;
}

bool FidTurns::begin(std::uint16_t tag, const NamedFids& named) {
    if (is_free(named)) {
        run(tag, named);
        return true;
    }
    waiting_.emplace_back(tag, named);
    count_waiting(named, 1);
    return false;
}

std::vector<std::uint16_t> FidTurns::end(std::uint16_t tag) {
    if (auto ended = running_.extract(tag); !ended.empty()) {
        count_running(ended.mapped(), -1);
    } else {
        const auto dropped = std::find_if(waiting_.begin(), waiting_.end(),
                                          [&](const auto& waiting) { return waiting.first == tag; });
        if (dropped == waiting_.end()) return {};
        count_waiting(dropped->second, -1);
        waiting_.erase(dropped);
    }
    // What still waits is counted again as it is passed: each is judged by those before it alone.
    std::vector<std::uint16_t> begun;
    for (const auto& [waiting, named] : waiting_) count_waiting(named, -1);
    for (auto next = waiting_.begin(); next != waiting_.end();) {
        if (is_free(next->second)) {
            begun.push_back(next->first);
            run(next->first, next->second);
            next = waiting_.erase(next);
        } else {
            count_waiting(next->second, 1);
            ++next;
        }
    }
    return begun;
}

void FidTurns::run(std::uint16_t tag, const NamedFids& named) {
    running_[tag] = named;
    count_running(named, 1);
}

void FidTurns::count_running(const NamedFids& named, std::int32_t change) {
    for_each_fid(named, [&](const NamedFids::Fid& fid) {
        Use& use = uses_[fid.number];
        use.running += static_cast<std::uint32_t>(change);
        if (fid.bound) use.binding += static_cast<std::uint32_t>(change);
        if (use.running == 0 && use.waiting == 0) uses_.erase(fid.number);
    });
}

void FidTurns::count_waiting(const NamedFids& named, std::int32_t change) {
    for_each_fid(named, [&](const NamedFids::Fid& fid) {
        Use& use = uses_[fid.number];
        use.waiting += static_cast<std::uint32_t>(change);
        if (use.running == 0 && use.waiting == 0) uses_.erase(fid.number);
    });
}

}  // namespace understudy::files
