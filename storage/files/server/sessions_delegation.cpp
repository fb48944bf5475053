// SPDX-License-Identifier: Apache-2.0
// Carries out what the share's delegation decides.
#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/io/clock.hpp"
#include "storage/files/server/sessions.hpp"

namespace understudy::files {
namespace asio = boost::asio;

bool Sessions::ask_delegation(std::uint64_t session) {
    const bool granted = machine_.is_live(session) && machine_.delegation().ask(session, io::monotonic_now());
    carry_out();
    return granted;
}

asio::awaitable<void> Sessions::until_recalled(std::uint64_t session) {
    const Delegation& delegation = machine_.delegation();
    if (delegation.holder() != session || delegation.is_recalled()) co_return;
    const std::shared_ptr<Held> held = hold(recalls_, session);
    while (!held->is_over) co_await held->over.async_wait(asio::as_tuple(asio::use_awaitable));
}

void Sessions::stop_waiting_for_recall(std::uint64_t session) {
    end_wait(recalls_, session, false);
}

void Sessions::return_delegation(std::uint64_t session) {
    machine_.delegation().returned(session);
    carry_out();
}

void Sessions::forbid_delegations(bool forbidden) {
    machine_.delegation().forbid(forbidden, io::monotonic_now());
    carry_out();
}

asio::awaitable<bool> Sessions::change_begins(std::uint64_t ticket, std::uint64_t session) {
    if (machine_.delegation().change(ticket, session, io::monotonic_now())) co_return true;
    const std::shared_ptr<Held> held = hold(changes_, ticket);
    carry_out();
    while (!held->is_over) co_await held->over.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return held->began;
}

void Sessions::change_ends(std::uint64_t session) {
    machine_.delegation().changed(session, io::monotonic_now());
}

void Sessions::cancel_change(std::uint64_t ticket) {
    machine_.delegation().cancel(ticket);
    end_wait(changes_, ticket, false);
}

std::shared_ptr<Sessions::Held> Sessions::hold(Helds& helds, std::uint64_t key) {
    auto held = std::make_shared<Held>(Held{asio::steady_timer(timer_.get_executor())});
    held->over.expires_at(asio::steady_timer::time_point::max());
    helds[key] = held;
    return held;
}

void Sessions::end_wait(Helds& helds, std::uint64_t key, bool began) {
    auto found = helds.extract(key);
    if (found.empty()) return;
    found.mapped()->is_over = true;
    found.mapped()->began = began;
    found.mapped()->over.cancel();
}

void Sessions::carry_out(const std::vector<DelegationAction>& actions) {
    for (const DelegationAction& action : actions) {
        if (const auto* recalled = std::get_if<DelegationRecalled>(&action)) {
            ++counts_.delegations_recalled;
            end_wait(recalls_, recalled->session, true);
        } else if (const auto* ended = std::get_if<DelegationEnded>(&action)) {
            end_wait(recalls_, ended->session, true);
            if (ended->how != DelegationEnded::How::lease_passed) continue;
            const std::string client = machine_.client_of(ended->session);
            events_.report(
                "delegation_expired",
                fmt::format("{} did not give {} back within {}", client, share_, format_duration(lease())),
                {{"client", client}, {"share", share_}});
        } else if (const auto* begins = std::get_if<ChangeBegins>(&action)) {
            end_wait(changes_, begins->ticket, true);
        } else {
            ++counts_.delegations_granted;
        }
    }
}

}  // namespace understudy::files
