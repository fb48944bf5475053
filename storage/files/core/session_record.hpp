// SPDX-License-Identifier: Apache-2.0
// What a server must know of the one before it: a text of lines, in the file "EXPORT_PATH.sessions".
//
//   CLIENT#INCARNATION                                     a session with a lease that was live
//   #fence NUMBER                                          fencing numbers up to this may have been given
//   #file INODE NUMBER OF_OTHERS CLIENT#INCARNATION|-      the number of a file on which one is carried, the
//                                                          highest of other sessions, and whose NUMBER is
//   #carries INODE NUMBER ok|overtaken CLIENT#INCARNATION  what a live session's writes to the file carry
//   #delegated CLIENT#INCARNATION                          who holds the share's delegation
//
// A file of before fencing has lines of the first kind alone. A line that makes no sense is passed over: its
// session must begin anew then. Pure; no errors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace understudy::files {

struct SessionRecord {
    struct Live {
        std::string client, incarnation;
        bool operator==(const Live&) const = default;
    };
    struct File {
        std::uint64_t inode = 0, number = 0, of_others = 0;
        std::optional<Live> owner;
        bool operator==(const File&) const = default;
    };
    struct Carried {
        std::uint64_t inode = 0, number = 0;
        bool overtaken = false;
        Live session;
        bool operator==(const Carried&) const = default;
    };
    std::vector<Live> live;
    std::uint64_t fences_reserved = 0;
    std::vector<File> files;
    std::vector<Carried> carried;
    std::optional<Live> delegated;
    bool operator==(const SessionRecord&) const = default;
};

SessionRecord parse_session_record(const std::string& text);
std::string to_text(const SessionRecord& record);

}  // namespace understudy::files
