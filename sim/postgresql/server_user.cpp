// SPDX-License-Identifier: Apache-2.0
#include "sim/postgresql/server_user.hpp"

#include <pwd.h>
#include <unistd.h>

namespace understudy::postgresql {
namespace {

constexpr uid_t nobody = 65534;  // where even that name is missing

}  // namespace

ServerUser server_user() {
    if (::geteuid() != 0) return {::geteuid(), ::getegid()};
    for (const char* name : {"postgres", "nobody"})
        if (const passwd* found = ::getpwnam(name); found != nullptr && found->pw_uid != 0)
            return {found->pw_uid, found->pw_gid};
    return {nobody, nobody};
}

std::vector<std::string> as_server_user(const ServerUser& user, const std::vector<std::string>& command) {
    std::vector<std::string> all{"/usr/bin/setpriv", "--inh-caps=-all", "--ambient-caps=-all",
                                 "--pdeathsig=KILL"};
    if (::geteuid() == 0)
        all.insert(all.end(), {"--reuid=" + std::to_string(user.user),
                               "--regid=" + std::to_string(user.group), "--clear-groups"});
    all.push_back("--");
    all.insert(all.end(), command.begin(), command.end());
    return all;
}

}  // namespace understudy::postgresql
