// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/io/unique_fd.hpp"
#include "tests/integration/storage_files/programs.hpp"

namespace understudy::files::testing {

void Answers::tell(const std::string& name, long result) {
    const char* error = result < 0 ? ::strerrorname_np(errno) : nullptr;
    note(fmt::format("{}={}", name, error != nullptr ? error : std::to_string(result)));
}

void Answers::note(const std::string& text) {
    text_ += (text_.empty() ? "" : " ") + text;
}

void become_another_user() {
    constexpr unsigned nobody = 65534;
    if (::setgroups(0, nullptr) != 0 || ::setresgid(nobody, nobody, nobody) != 0 ||
        ::setresuid(nobody, nobody, nobody) != 0)
        ::_exit(3);
}

void put(const std::string& path, const std::string& text, unsigned mode) {
    io::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) ::_exit(4);
}

std::string run(const Check& check, const std::string& folder) {
    if (::mkdir(folder.c_str(), 0777) != 0) return "its folder can't be made";
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
    io::UniqueFd from(ends[0]), to(ends[1]);
    Child child([&] {
        ::umask(0);
        if (::chdir(folder.c_str()) != 0) return 2;
        Answers answers;
        check.run(answers);
        const std::string& text = answers.text();
        return ::write(to.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 2;
    });
    to.reset();
    if (!child.has_ended(20s)) return "hangs";
    if (WIFSIGNALED(child.status())) return fmt::format("died of signal {}", WTERMSIG(child.status()));
    if (WEXITSTATUS(child.status()) != 0) return fmt::format("failed ({})", WEXITSTATUS(child.status()));
    std::string text(16'384, '\0');
    ssize_t count = ::read(from.get(), text.data(), text.size());
    return count < 0 ? "no answer" : text.substr(0, static_cast<std::size_t>(count));
}

}  // namespace understudy::files::testing
