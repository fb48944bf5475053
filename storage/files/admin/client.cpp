// SPDX-License-Identifier: Apache-2.0
#include "storage/files/admin/client.hpp"

#include "base/io/admin_http.hpp"
#include "base/io/admin_words.hpp"

namespace understudy::files {
namespace {

Error usage(const std::string& subject, const std::string& reason) {
    return Error(ErrorKind::bad_input, subject, reason)
        .with_remedy(
            "use state, sessions, locks, faults, metrics, fault KIND [KEY=VALUE]..., heal ID or "
            "end CLIENT");
}

}  // namespace

Result<std::string> administer(const std::string& socket, const std::vector<std::string>& words) {
    if (words.empty()) return usage("admin", "says nothing");
    const std::string& command = words.front();
    if (command == "fault") {
        UNDERSTUDY_TRY(const std::string body, io::admin_fault_body(words));
        return io::administrate(socket, "POST", "/faults", body);
    }
    const bool heals = command == "heal", ends = command == "end";
    if (words.size() != (heals || ends ? 2U : 1U)) return usage(command, "has a word too many or too few");
    if (heals) return io::administrate(socket, "POST", "/faults/" + words[1] + "/heal");
    if (ends) return io::administrate(socket, "POST", "/sessions/" + words[1] + "/end");
    for (const char* reads : {"state", "sessions", "locks", "faults", "metrics"})
        if (command == reads) return io::administrate(socket, "GET", "/" + command);
    return usage(command, "is not known");
}

}  // namespace understudy::files
