// SPDX-License-Identifier: Apache-2.0
// What a mount knows of names and statuses while its share is delegated to it (core/delegation.hpp): nobody
// else changes them, so they are told without asking the server again. Between begin() and end(); nothing is
// known before and after. Files and folders go by their number (qid.path, st_ino).
//
// The mount's own changes: changed() is called before one is sent and when its answer has come. What was
// asked before, and answered after, is not remembered: take ask() when the question is sent and hand it in
// with the answer. Writes that nobody waits for call changed() once; who asks for a file's status lets them
// arrive first, or asks by the same fid.
//
// Limits: 65536 statuses and as many names, then all of the kind are forgotten. Pure; one thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

namespace understudy::files {

class MetadataCache {
  public:
    struct Question {
        std::uint64_t delegation = 0;  // 0: asked without one
        std::uint64_t when = 0;
    };

    void begin();
    void end();
    bool is_on() const { return on_; }

    Question ask() const { return {on_ ? delegation_ : 0, clock_}; }
    // Asked under this delegation; what is said of the file or folder besides was not changed since.
    bool is_current(const Question& question) const { return on_ && question.delegation == delegation_; }
    bool holds(const Question& question, std::uint64_t number) const;

    void changed(std::uint64_t number);
    // What the name belongs to, which may have other names.
    void changed(std::uint64_t folder, const std::string& name);

    void remember(const Question& question, const struct stat& status);
    const struct stat* status(std::uint64_t number) const;  // null: not known

    // 0: there is no such name. None: not known.
    std::optional<std::uint64_t> child(std::uint64_t folder, const std::string& name) const;
    void named(std::uint64_t folder, const std::string& name, std::uint64_t number);  // 0: there is none now
    void is_empty(std::uint64_t folder);      // from then on each of its names is known
    void forget_names(std::uint64_t folder);  // nobody knows whether a change was made
    void renamed(std::uint64_t from, const std::string& name, std::uint64_t to, const std::string& new_name);

  private:
    struct Folder {
        bool whole = false;  // it has no other names
        std::map<std::string, std::uint64_t> names;
    };
    void forget_all_names();
    void forget_statuses();

    bool on_ = false;
    std::uint64_t delegation_ = 0, clock_ = 0;
    std::uint64_t floor_ = 0;  // what was asked before isn't remembered
    std::unordered_map<std::uint64_t, std::uint64_t> changed_;
    std::unordered_map<std::uint64_t, struct stat> statuses_;
    std::unordered_map<std::uint64_t, Folder> folders_;
    std::size_t names_ = 0;
};

}  // namespace understudy::files
