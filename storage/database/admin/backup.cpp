// SPDX-License-Identifier: Apache-2.0
#include "storage/database/admin/backup.hpp"

#include "storage/database/copy.hpp"

namespace understudy::database {

Backup::~Backup() {
    if (thread_.joinable()) thread_.join();
}

Result<void> Backup::start(const std::string& from, const std::string& to) {
    if (state_ == State::running)
        return Error(ErrorKind::bad_input, to, "a copy is being made, to " + to_)
            .with_remedy("wait until it is done");
    if (!to.starts_with('/'))
        return Error(ErrorKind::bad_input, "\"" + to + "\"", "is no absolute path")
            .with_remedy("begin it with /");
    if (thread_.joinable()) thread_.join();
    to_ = to;
    state_ = State::running;
    thread_ = std::thread([this, from] {
        outcome_ = copy_database(from, to_);
        state_ = outcome_.has_value() ? State::done : State::failed;
    });
    return {};
}

const char* to_string(Backup::State state) {
    switch (state) {
        case Backup::State::none:
            return "none";
        case Backup::State::running:
            return "running";
        case Backup::State::done:
            return "done";
        case Backup::State::failed:
            break;
    }
    return "failed";
}

}  // namespace understudy::database
