// SPDX-License-Identifier: Apache-2.0
// Everything again as an ordinary user, when the tests run as root and the machine has such an account.
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <optional>
#include <string>

namespace {

struct Account {
    uid_t user;
    gid_t group;
};

std::optional<Account> ordinary_account() {
    std::optional<Account> found;
    ::setpwent();
    while (const passwd* entry = ::getpwent()) {
        if (entry->pw_uid >= 1000 && entry->pw_uid < 60'000) {
            found = Account{entry->pw_uid, entry->pw_gid};
            break;
        }
    }
    ::endpwent();
    return found;
}

TEST(OrdinaryUser, every_other_test_of_this_program_passes_for_an_ordinary_user) {
    if (::getuid() != 0) GTEST_SKIP() << "this is an ordinary user already";
    const auto account = ordinary_account();
    if (!account) GTEST_SKIP() << "no ordinary account on this machine";
    std::array<char, PATH_MAX> self{};
    ASSERT_GT(::readlink("/proc/self/exe", self.data(), self.size() - 1), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setgid(account->group) != 0 || ::setgroups(0, nullptr) != 0 || ::setuid(account->user) != 0 ||
            ::access(self.data(), X_OK) != 0) {
            ::_exit(77);
        }
        ::execl(self.data(), self.data(), "--gtest_brief=1", "--gtest_filter=-OrdinaryUser.*", nullptr);
        ::_exit(77);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "the account can't run this program";
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
