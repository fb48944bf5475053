// SPDX-License-Identifier: Apache-2.0
#include "storage/database/admin/admin_server.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "base/io/admin_words.hpp"
#include "base/io/clock.hpp"
#include "base/prometheus_text.hpp"
#include "storage/database/copy.hpp"

namespace understudy::database {

Result<std::unique_ptr<AdminServer>> AdminServer::start(Server& server, const std::string& path) {
    std::unique_ptr<AdminServer> made(new AdminServer(server));
    auto answer = [admin = made.get()](const io::HttpRequest& request) { return admin->answer(request); };
    UNDERSTUDY_TRY(made->socket_, io::AdminSocket::open(server.executor(), path, std::move(answer)));
    return made;
}

io::HttpResponse AdminServer::answer(const io::HttpRequest& request) {
    constexpr std::string_view faults_path = "/faults/", heal_verb = "/heal";
    const std::string& target = request.target;
    const bool reads =
        target == "/state" || target == "/metrics" || (target == "/faults" && request.method != "POST");
    if (reads) {
        if (request.method != "GET") return io::admin_refusal(405, target + ": use GET");
        if (target == "/metrics") return {200, metrics(), prometheus_content_type};
        return io::admin_document(target == "/state" ? state() : json::object{{"faults", faults()}});
    }
    if (target == "/backup") return back_up(request);
    const bool heals = target.starts_with(faults_path) && target.ends_with(heal_verb) &&
                       target.size() > faults_path.size() + heal_verb.size();
    if (target != "/faults" && !heals)
        return io::admin_refusal(404,
                                 target + ": there is /state, /metrics, /backup, /faults, /faults/ID/heal");
    if (request.method != "POST") return io::admin_refusal(405, target + ": use POST");
    if (!heals) return apply(request.body);
    return heal(target.substr(faults_path.size(), target.size() - faults_path.size() - heal_verb.size()));
}

io::HttpResponse AdminServer::apply(const std::string& body) {
    auto words = io::admin_words(body);
    if (words.has_error()) return io::admin_outcome(words.error());
    const std::string kind = io::take_word(*words, "kind");
    std::string id = io::take_word(*words, "id");
    const Result<Fault> fault = parse_fault(kind, *words);
    if (fault.has_error()) return io::admin_outcome(fault.error());
    if (fault->kind == FaultKind::power_loss && !server_.config().power_loss)
        return io::admin_outcome(
            Error(ErrorKind::bad_input, server_.config().file, "keeps nothing that could be taken back")
                .with_remedy("set power_loss: true in its configuration"));
    if (id.empty()) id = fmt::format("f{}", next_fault_++);
    if (const auto applied = server_.operation().faults.apply(id, *fault); applied.has_error())
        return io::admin_outcome(applied);
    return io::admin_document({{"ok", true}, {"id", id}});
}

io::HttpResponse AdminServer::heal(const std::string& id) {
    if (server_.operation().faults.heal(id)) return io::admin_document({{"ok", true}});
    return io::admin_refusal(404, id + ": no such fault is in force");
}

io::HttpResponse AdminServer::back_up(const io::HttpRequest& request) {
    if (request.method == "GET") {
        json::object held{{"to", backup_.to()}, {"state", to_string(backup_.state())}};
        if (backup_.state() == Backup::State::failed) {
            const Error& error = backup_.outcome().error();
            held["error"] = error.message();
            held["asked_wrongly"] = error.kind == ErrorKind::bad_input;
        }
        return io::admin_document(held);
    }
    if (request.method != "POST") return io::admin_refusal(405, "/backup: use GET or POST");
    auto words = io::admin_words(request.body);
    if (words.has_error()) return io::admin_outcome(words.error());
    return io::admin_outcome(backup_.start(server_.config().file, io::take_word(*words, "to")));
}

json::array AdminServer::faults() const {
    const Instant now = io::monotonic_now();
    json::array all;
    for (const FaultMachine::InForce& it : server_.operation().faults.in_force())
        all.push_back(json::object{{"id", it.id},
                                   {"kind", to_string(it.fault.kind)},
                                   {"detail", describe(it.fault)},
                                   {"age_ms", whole_milliseconds(now - it.since)},
                                   {"befell", it.befell}});
    return all;
}

json::object AdminServer::state() const {
    const Faults& faults_of_service = server_.operation().faults;
    return {{"file", server_.config().file},
            {"connections", server_.connections()},
            {"max_connections", server_.config().max_connections},
            {"commits_waiting", faults_of_service.commits_waiting()},
            {"frozen", faults_of_service.frozen()},
            {"clock_step_ms", whole_milliseconds(faults_of_service.clock_step())},
            {"power_loss", server_.config().power_loss},
            {"faults", faults()}};
}

std::string AdminServer::metrics() const {
    const Faults& faults_of_service = server_.operation().faults;
    return server_.operation().statistics.metrics_text(
        {server_.connections(), static_cast<std::uint64_t>(server_.config().max_connections),
         faults_of_service.commits_waiting(), faults_of_service.in_force().size()});
}

Result<std::string> administer(const std::string& socket, const std::vector<std::string>& words) {
    const auto usage = [](const std::string& subject, const std::string& reason) {
        return Error(ErrorKind::bad_input, subject, reason)
            .with_remedy("use state, faults, metrics, fault KIND [KEY=VALUE]... or heal ID");
    };
    if (words.empty()) return usage("admin", "says nothing");
    const std::string& command = words.front();
    if (command == "fault") {
        UNDERSTUDY_TRY(const std::string body, io::admin_fault_body(words));
        return io::administrate(socket, "POST", "/faults", body);
    }
    if (words.size() != (command == "heal" ? 2U : 1U))
        return usage(command, "has a word too many or too few");
    if (command == "heal") return io::administrate(socket, "POST", "/faults/" + words[1] + "/heal");
    for (const char* reads : {"state", "faults", "metrics"})
        if (command == reads) return io::administrate(socket, "GET", "/" + command);
    return usage(command, "is not known");
}

Result<void> back_up(const std::string& socket, const std::string& from, const std::string& to) {
    constexpr auto look_again = std::chrono::milliseconds(50);
    constexpr auto limit = std::chrono::hours(1);
    // Nobody answers, or nobody can: then the file is free.
    if (socket.empty() || io::administrate(socket, "GET", "/backup").has_error())
        return copy_database(from, to);
    const std::string absolute = std::filesystem::absolute(to).lexically_normal().string();
    UNDERSTUDY_CHECK(
        io::administrate(socket, "POST", "/backup", json::serialize(json::object{{"to", absolute}})));
    for (const auto end = std::chrono::steady_clock::now() + limit; std::chrono::steady_clock::now() < end;) {
        UNDERSTUDY_TRY(const std::string answer, io::administrate(socket, "GET", "/backup"));
        const json::object held = json::parse(answer).as_object();
        const auto& state = held.at("state").as_string();
        if (state == to_string(Backup::State::done)) return {};
        if (state != to_string(Backup::State::running))
            return Error(held.at("asked_wrongly").as_bool() ? ErrorKind::bad_input : ErrorKind::environment,
                         "the service", json::value_to<std::string>(held.at("error")));
        std::this_thread::sleep_for(look_again);
    }
    return Error(ErrorKind::timeout, absolute, "the service still copied after an hour");
}

}  // namespace understudy::database
