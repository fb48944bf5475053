// SPDX-License-Identifier: Apache-2.0
// What a session knew at each savepoint of its transaction, to know it again after ROLLBACK TO. Their names
// follow PostgreSQL (manual, SAVEPOINT): a name that is set again hides the earlier one; RELEASE ends it and
// all later ones, ROLLBACK TO only the later ones. That the name is set is checked by the transaction.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace understudy::database {

template <typename Known>
class Savepoints {
  public:
    void set(const std::string& name, Known known) { all_.emplace_back(name, std::move(known)); }
    void release(const std::string& name) {
        if (const auto found = find(name); found != all_.end()) all_.erase(found, all_.end());
    }
    std::optional<Known> roll_back_to(const std::string& name) {
        const auto found = find(name);
        if (found == all_.end()) return std::nullopt;
        all_.erase(found + 1, all_.end());
        return found->second;
    }
    void clear() { all_.clear(); }

  private:
    auto find(const std::string& name) {
        const auto found = std::find_if(all_.rbegin(), all_.rend(),
                                        [&](const auto& savepoint) { return savepoint.first == name; });
        return found == all_.rend() ? all_.end() : found.base() - 1;
    }
    std::vector<std::pair<std::string, Known>> all_;
};

// Whether a transaction changed something, and still has when a savepoint has taken some of it back.
class ChangeMark {
  public:
    void change() { changed_ = true; }
    bool changed() const { return changed_; }
    void savepoint(const std::string& name) { savepoints_.set(name, changed_); }
    void release(const std::string& name) { savepoints_.release(name); }
    void roll_back_to(const std::string& name) {
        changed_ = savepoints_.roll_back_to(name).value_or(changed_);
    }
    bool finish() {  // the transaction's end: what it was
        savepoints_.clear();
        return std::exchange(changed_, false);
    }

  private:
    bool changed_ = false;
    Savepoints<bool> savepoints_;
};

}  // namespace understudy::database
