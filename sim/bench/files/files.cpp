// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/files/files.hpp"

#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "sim/bench/core/aims.hpp"
#include "sim/bench/core/metric.hpp"
#include "sim/bench/files/contenders.hpp"
#include "sim/bench/files/workload.hpp"
#include "sim/bench/in_child.hpp"
#include "sim/bench/isolated.hpp"
#include "sim/bench/rig.hpp"
#include "sim/bench/write_results.hpp"

namespace understudy::bench {
namespace {

constexpr const char* files_title = "File services, side by side";
constexpr const char* scratch = "/run/bench";
constexpr Duration measure_limit = 2min;
constexpr const char* everything = "everything";  // where a contender is left out, not a measure of it
const std::vector<Aim> files_aims{{"ours/sshfs", {}, 2.0},
                                  {"ours/local_fuse", {"sequential_read", "sequential_write"}, 0.5}};

// The names among `all` that were asked for; all of them when none was.
std::vector<std::string> chosen(const std::vector<std::string>& all, const std::vector<std::string>& only) {
    std::vector<std::string> result;
    for (const std::string& name : all)
        if (std::find(only.begin(), only.end(), name) != only.end()) result.push_back(name);
    return result.empty() ? all : result;
}

std::vector<std::string> file_contender_names() {
    std::vector<std::string> names;
    for (const ContenderDescription& each : file_contenders()) names.push_back(each.name);
    return names;
}

std::vector<std::string> measure_names() {
    std::vector<std::string> names;
    for (const Workload& each : workloads()) names.push_back(each.metric.key);
    return names;
}

class Bench {
  public:
    Bench(const FilesBenchOptions& options, Rig& rig)
        : options_(options),
          rig_(rig),
          contender_names_(chosen(file_contender_names(), options.only)),
          measures_(chosen(measure_names(), options.only)) {}

    Result<void> run(const std::string& store) {
        say_what_is_compared(store);
        UNDERSTUDY_CHECK(rig_.add_host(file_server_host, file_server_address));
        UNDERSTUDY_CHECK(rig_.add_host("client", "192.0.2.21"));
        UNDERSTUDY_CHECK(rig_.add_host("other", "192.0.2.22"));
        UNDERSTUDY_TRY(contenders_, start_file_servers(rig_, {contender_names_, options_.programs,
                                                              options_.peers, scratch, store, logs()}));
        UNDERSTUDY_CHECK(mount_all());
        for (int round = 0; round < options_.rounds; ++round)
            for (const FileContender& contender : contenders_) {
                fmt::print(stderr, "round {} of {}: {}\n", round + 1, options_.rounds, contender.name);
                measure(contender);
            }
        return report();
    }

  private:
    std::string logs() const { return options_.folder + "/files"; }

    Place place(const FileContender& contender) const {
        return {fmt::format("{}/client/{}", scratch, contender.name),
                fmt::format("{}/other/{}", scratch, contender.name), options_.megabytes, options_.files};
    }

    void say_what_is_compared(const std::string& store) const {
        fmt::print(
            "{}\nThe store is {}.\n", files_title,
            options_.store.empty() ? "in memory: fsync costs what it takes to ask for it" : "in " + store);
        fmt::print(
            "A file is opened anew for each measure, the client's pages of it are dropped first,\n"
            "and the time counts to the end of close().\n");
        for (const ContenderDescription& each : file_contenders())
            if (std::find(contender_names_.begin(), contender_names_.end(), each.name) !=
                contender_names_.end())
                fmt::print("  {:<18} {}\n", each.name, each.words);
        fmt::print("\n");
        std::fflush(stdout);
    }

    // Without a peer the others are compared; without ours there is nothing to compare.
    Result<void> mount_all() {
        std::vector<FileContender> mounted;
        for (FileContender& contender : contenders_) {
            if (contender.why_not.empty())
                if (const auto done = mount(contender); done.has_error()) {
                    if (contender.name == "ours") return done.error();
                    contender.why_not = done.error().message();
                }
            if (contender.why_not.empty())
                mounted.push_back(contender);
            else
                leave_out(contender.name, everything, contender.why_not);
        }
        contenders_ = std::move(mounted);
        return {};
    }

    Result<void> mount(const FileContender& contender) {
        const Place at = place(contender);
        for (const auto& [host, where] : {std::pair{"client", at.folder}, {"other", at.other_folder}})
            UNDERSTUDY_CHECK(
                mount_at(contender, host, where, fmt::format("{}/{}-{}.log", logs(), contender.name, host)));
        const auto excluded = in_child(measure_limit, [&]() -> Result<double> {
            UNDERSTUDY_CHECK(locks_exclude_hosts(at));
            return 1;
        });
        if (excluded.has_error()) leave_out(contender.name, "lock", excluded.error().message());
        return {};
    }

    void measure(const FileContender& contender) {
        for (const Workload& workload : workloads()) {
            const std::string& key = workload.metric.key;
            if (std::find(measures_.begin(), measures_.end(), key) == measures_.end()) continue;
            if (left_out_.contains({contender.name, key})) continue;
            const auto value = in_child(measure_limit, [&] { return workload.run(place(contender)); });
            if (value.has_error()) {
                leave_out(contender.name, key, value.error().message());
                samples_[key].erase(contender.name);
            } else {
                fmt::print(stderr, "  {:<20} {:>12.2f} {}\n", key, *value, workload.metric.unit);
                samples_[key][contender.name].push_back(*value);
            }
        }
        const auto cleared = in_child(measure_limit, [&]() -> Result<double> {
            UNDERSTUDY_CHECK(clear(place(contender)));
            return 1;
        });
        if (cleared.has_error()) fmt::print(stderr, "  {}: {}\n", contender.name, cleared.error().message());
    }

    void leave_out(const std::string& contender, const std::string& key, const std::string& reason) {
        left_out_[{contender, key}] = reason;
        fmt::print(stderr, "  {}: {} is left out: {}\n", contender, key, reason);
    }

    Result<void> report() {
        std::vector<Metric> metrics;
        for (const Workload& workload : workloads()) metrics.push_back(workload.metric);
        std::vector<Pair> pairs;
        for (const std::string& peer : contender_names_)
            if (peer != "ours") pairs.push_back({"ours", peer});
        const Results results = compare(metrics, contender_names_, samples_, pairs);
        fmt::print("{}", to_side_by_side(results));
        for (const auto& [what, reason] : left_out_)
            if (what.second == everything ||
                std::find(measures_.begin(), measures_.end(), what.second) != measures_.end())
                fmt::print("left out: {}, {}: {}\n", what.first, what.second, reason);
        UNDERSTUDY_CHECK(conclude(results, files_aims, options_.folder, "files", files_title));
        for (const auto& [what, reason] : left_out_)
            if (what.first == "ours") return Error(ErrorKind::failed, "ours, " + what.second, reason);
        return {};
    }

    const FilesBenchOptions& options_;
    Rig& rig_;
    std::vector<std::string> contender_names_, measures_;
    std::vector<FileContender> contenders_;
    Samples samples_;
    std::map<std::pair<std::string, std::string>, std::string> left_out_;  // contender, measure: why
};

// Room for one contender's files at a time, and names for all.
Result<void> make_scratch(const FilesBenchOptions& options) {
    if (::mkdir(scratch, 0755) != 0) return system_error(scratch, errno);
    const std::string size = fmt::format("mode=0755,size={}m", options.megabytes * 2 + 512);
    if (::mount("tmpfs", scratch, "tmpfs", MS_NOSUID | MS_NODEV, size.c_str()) != 0)
        return system_error(scratch, errno, ErrorKind::environment);
    return {};
}

Result<void> run_inside(const FilesBenchOptions& options, const std::string& store) {
    UNDERSTUDY_CHECK(make_scratch(options));
    const std::string where = store.empty() ? std::string(scratch) + "/store" : store;
    if (store.empty() && ::mkdir(where.c_str(), 0755) != 0) return system_error(where, errno);
    UNDERSTUDY_TRY(Rig rig, Rig::create());
    return Bench(options, rig).run(where);
}

}  // namespace

std::vector<std::string> only_names() {
    std::vector<std::string> names = file_contender_names();
    for (const std::string& name : measure_names()) names.push_back(name);
    return names;
}

Result<void> bench_files(const FilesBenchOptions& options) {
    std::error_code failure;
    std::filesystem::create_directories(options.folder + "/files", failure);
    if (failure) return system_error(options.folder, failure.value());
    std::string store;
    if (!options.store.empty()) {
        store = options.store + "/understudy-bench-XXXXXX";
        if (::mkdtemp(store.data()) == nullptr)
            return system_error(options.store, errno, ErrorKind::bad_input);
    }
    std::vector<std::string> kept{options.folder, options.programs};
    if (std::filesystem::exists(options.peers)) kept.push_back(options.peers);
    if (!store.empty()) kept.push_back(store);
    const auto outcome = run_isolated("files", kept, "the logs are in " + options.folder + "/files",
                                      [&] { return run_inside(options, store); });
    if (!store.empty()) std::filesystem::remove_all(store, failure);
    return outcome;
}

}  // namespace understudy::bench
