// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/session_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "storage/files/core/client_name.hpp"

namespace understudy::files {
namespace {

std::optional<SessionRecord::Live> parse_live(const std::string& text) {
    std::optional<ClientName> name = parse_client_name(text);
    if (!name || name->incarnation.empty() || name->resume) return std::nullopt;
    return SessionRecord::Live{name->client, name->incarnation};
}

std::string name_of(const SessionRecord::Live& live) {
    return to_user_name({live.client, live.incarnation, false});
}

// A name may hold blanks: it is the rest of the line.
std::string rest_of(std::istream& in) {
    std::string rest;
    std::getline(in >> std::ws, rest);
    return rest;
}

void parse_further_line(const std::string& line, SessionRecord& record) {
    std::istringstream in(line);
    std::string keyword;
    in >> keyword;
    if (keyword == "#fence") {
        std::uint64_t number = 0;
        if (in >> number) record.fences_reserved = std::max(record.fences_reserved, number);
    } else if (keyword == "#file") {
        SessionRecord::File file;
        if (!(in >> file.inode >> file.number >> file.of_others)) return;
        file.owner = parse_live(rest_of(in));
        record.files.push_back(std::move(file));
    } else if (keyword == "#delegated") {
        record.delegated = parse_live(rest_of(in));
    } else if (keyword == "#carries") {
        SessionRecord::Carried carried;
        std::string state;
        if (!(in >> carried.inode >> carried.number >> state)) return;
        std::optional<SessionRecord::Live> session = parse_live(rest_of(in));
        if (!session) return;
        carried.overtaken = state != "ok";
        carried.session = std::move(*session);
        record.carried.push_back(std::move(carried));
    }
}

}  // namespace

SessionRecord parse_session_record(const std::string& text) {
    SessionRecord record;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with('#'))  // no client's name is empty
            parse_further_line(line, record);
        else if (std::optional<SessionRecord::Live> live = parse_live(line))
            record.live.push_back(std::move(*live));
    }
    return record;
}

std::string to_text(const SessionRecord& record) {
    std::string text;
    for (const SessionRecord::Live& live : record.live) text += name_of(live) + "\n";
    if (record.fences_reserved != 0) text += fmt::format("#fence {}\n", record.fences_reserved);
    for (const SessionRecord::File& it : record.files)
        text += fmt::format("#file {} {} {} {}\n", it.inode, it.number, it.of_others,
                            it.owner ? name_of(*it.owner) : "-");
    for (const SessionRecord::Carried& it : record.carried)
        text += fmt::format("#carries {} {} {} {}\n", it.inode, it.number, it.overtaken ? "overtaken" : "ok",
                            name_of(it.session));
    if (record.delegated) text += fmt::format("#delegated {}\n", name_of(*record.delegated));
    return text;
}

}  // namespace understudy::files
