// SPDX-License-Identifier: Apache-2.0
#include "storage/files/admin/admin_server.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/io/admin_words.hpp"
#include "base/io/clock.hpp"
#include "base/json_text.hpp"
#include "base/prometheus_text.hpp"
#include "storage/files/admin/documents.hpp"

namespace understudy::files {
namespace {

Error bad(std::string subject, std::string reason, std::string remedy) {
    return Error(ErrorKind::bad_input, std::move(subject), std::move(reason)).with_remedy(std::move(remedy));
}

}  // namespace

Result<std::unique_ptr<AdminServer>> AdminServer::start(boost::asio::any_io_executor executor,
                                                        const std::string& path, Server& server) {
    std::unique_ptr<AdminServer> made(new AdminServer(server));
    auto answer = [admin = made.get()](const io::HttpRequest& request) { return admin->answer(request); };
    UNDERSTUDY_TRY(made->socket_, io::AdminSocket::open(std::move(executor), path, std::move(answer)));
    return made;
}

io::HttpResponse AdminServer::answer(const io::HttpRequest& request) {
    const bool is_part = request.target == "/sessions" || request.target == "/locks" ||
                         (request.target == "/faults" && request.method == "GET");
    if (request.target != "/state" && request.target != "/metrics" && !is_part) return post(request);
    if (request.method != "GET") return io::admin_refusal(405, request.target + ": use GET");
    if (request.target == "/metrics") return {200, metrics_text(server_.shares()), prometheus_content_type};
    if (is_part)
        return io::admin_document(
            part_document(server_.shares(), request.target.substr(1), io::monotonic_now()));
    return io::admin_document(state_document(server_.shares(), io::monotonic_now()));
}

io::HttpResponse AdminServer::post(const io::HttpRequest& request) {
    constexpr std::string_view faults = "/faults/", sessions = "/sessions/", heal_verb = "/heal",
                               end_verb = "/end";
    const std::string& target = request.target;
    const bool heals = target.starts_with(faults) && target.ends_with(heal_verb) &&
                       target.size() > faults.size() + heal_verb.size();
    const bool ends = target.starts_with(sessions) && target.ends_with(end_verb) &&
                      target.size() > sessions.size() + end_verb.size();
    if (target != "/faults" && !heals && !ends)
        return io::admin_refusal(404, target +
                                          ": there is /state, /metrics, /sessions, /locks, /faults, "
                                          "/faults/ID/heal, /sessions/CLIENT/end");
    if (request.method != "POST") return io::admin_refusal(405, target + ": use POST");
    if (heals) return heal(target.substr(faults.size(), target.size() - faults.size() - heal_verb.size()));
    if (ends)
        return end_sessions(
            target.substr(sessions.size(), target.size() - sessions.size() - end_verb.size()));
    return apply(request.body);
}

io::HttpResponse AdminServer::apply(const std::string& body) {
    auto words = io::admin_words(body);
    if (words.has_error()) return io::admin_outcome(words.error());
    const std::string kind = io::take_word(*words, "kind"), name = io::take_word(*words, "share");
    std::string id = io::take_word(*words, "id");
    Shares& shares = server_.shares();
    if (name.empty() && shares.size() > 1)
        return io::admin_outcome(bad("share", "is missing", "say which of the exports"));
    const auto share = name.empty() ? shares.begin() : shares.find(name);
    if (share == shares.end()) return io::admin_refusal(404, name + ": no such export");
    const Result<Fault> fault = parse_fault(kind, *words);
    if (fault.has_error()) return io::admin_outcome(fault.error());
    if (fault->kind == FaultKind::power_loss && share->second.share->undo() == nullptr)
        return io::admin_outcome(bad(share->first, "keeps nothing that could be taken back",
                                     "set power_loss: true in its configuration"));
    if (id.empty()) id = fmt::format("f{}", next_fault_++);
    for (const auto& [other, exported] : shares)
        for (const FaultMachine::InForce& it : exported.faults->in_force())
            if (it.id == id)
                return io::admin_outcome(
                    bad(id, "a fault of that id is in force on " + other, "heal it first"));
    if (const Result<void> applied = share->second.faults->apply(id, *fault); applied.has_error())
        return io::admin_outcome(applied);
    return io::admin_document({{"ok", true}, {"id", id}});
}

io::HttpResponse AdminServer::heal(const std::string& id) {
    for (auto& [name, share] : server_.shares())
        if (share.faults->heal(id)) return io::admin_document({{"ok", true}});
    return io::admin_refusal(404, id + ": no such fault is in force");
}

io::HttpResponse AdminServer::end_sessions(const std::string& client) {
    std::uint64_t ended = 0;
    for (auto& [name, share] : server_.shares())
        for (const SessionMachine::Listed& it : share.sessions->machine().sessions())
            if (it.client == client) {
                share.sessions->end(it.session, "ended by the administrator");
                ++ended;
            }
    if (ended == 0) return io::admin_refusal(404, client + ": has no session");
    return io::admin_document({{"ok", true}, {"ended", ended}});
}

}  // namespace understudy::files
