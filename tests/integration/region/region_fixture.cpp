// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/region/region_fixture.hpp"

#include <algorithm>
#include <fstream>

#include "tests/support/content_of.hpp"

namespace understudy::test {

namespace fs = std::filesystem;

Outcome Region::understudy(std::vector<std::string> arguments, std::chrono::milliseconds limit) {
    arguments.insert(arguments.begin(), program("understudy").string());
    RunOptions options;
    options.limit = limit;
    options.environment["UNDERSTUDY_STATE_DIR"] = scratch_.path().string();
    return run(arguments, options);
}

void Region::SetUp() {
    const Outcome doctor = understudy({"doctor", "--world", "pod"});
    if (doctor.status == 3) GTEST_SKIP() << "this machine cannot run pods:\n" << doctor.out;
    ASSERT_EQ(doctor.status, 0) << doctor.out << doctor.err;
}

void Region::TearDown() {
    understudy({"down", "--all"});
    EXPECT_TRUE(processes_left().empty()) << processes_left().front();
}

Duration Region::bound(const std::string& topology, const std::string& fault, std::vector<std::string> more) {
    std::vector<std::string> words{"bound", topology};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = understudy(std::move(words));
    std::istringstream lines(outcome.out);
    std::string kind, total;
    for (std::string line; std::getline(lines, line);)
        if (std::istringstream in_line(line); in_line >> kind >> total && kind == fault) {
            const auto parsed = parse_duration(total);
            if (parsed.has_value()) return *parsed;
        }
    ADD_FAILURE() << "no bound in " << outcome.out << outcome.err;
    return {};
}

std::vector<json::object> Region::events(const std::string& region, const std::string& host,
                                         const std::string& name) {
    const Outcome outcome = understudy({"events", "--name", region, "--host", host, "--json"});
    std::vector<json::object> found;
    std::istringstream text(outcome.out);
    for (std::string line; std::getline(text, line);) {
        auto event = json::parse(line).as_object();
        if (event.at("event").as_string() == name) found.push_back(std::move(event));
    }
    return found;
}

json::value Region::read_json(const fs::path& path) const {
    boost::system::error_code failure;
    const std::string text = content_of(path);
    json::value value = json::parse(text, failure);
    EXPECT_FALSE(failure) << path << ": " << failure.message() << "\n" << text;
    return value;
}

std::vector<std::string> Region::processes_left() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const std::string pid = entry.path().filename().string();
        if (!std::all_of(pid.begin(), pid.end(), [](unsigned char c) { return std::isdigit(c) != 0; }))
            continue;
        std::string words = content_of(entry.path() / "cmdline") + " " + content_of(entry.path() / "environ");
        std::replace(words.begin(), words.end(), '\0', ' ');
        if (words.find(scratch_.path().string()) != std::string::npos) found.push_back(pid + ": " + words);
    }
    return found;
}

std::set<std::string> Region::traces_on_machine() const {
    std::set<std::string> traces;
    std::error_code ignored;  // processes come and go
    for (const auto& entry : fs::directory_iterator("/sys/class/net"))
        traces.insert("interface " + entry.path().filename().string());
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) traces.insert("mount " + line);
    for (const auto& process : fs::directory_iterator("/proc", ignored)) {
        // One that has ended and is still to be reaped, by the machine's own process 1, names its PID
        // namespace to the last.
        const std::string stat = content_of(process.path() / "stat");
        const std::size_t after_name = stat.rfind(") ");
        if (after_name == std::string::npos || stat.substr(after_name + 2, 1) == "Z") continue;
        for (const char* kind : {"net", "mnt", "pid", "user"}) {
            const auto name = fs::read_symlink(process.path() / "ns" / kind, ignored);
            if (!ignored) traces.insert("namespace " + name.string());
        }
    }
    return traces;
}

}  // namespace understudy::test
