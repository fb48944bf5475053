// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/lb/failover.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <fstream>
#include <thread>

#include "base/io/clock.hpp"
#include "base/random.hpp"
#include "sim/bench/lb/server.hpp"
#include "sim/bench/sockets.hpp"

namespace understudy::bench {
namespace {

constexpr Duration interval = 100ms;
constexpr Duration timeout = 100ms;
constexpr int threshold = 2;
constexpr Duration attempt_every = 2ms;
constexpr Duration give_up = 10s;
constexpr std::uint64_t phase_seed = 0x5eed;

std::string config(const std::string& data_path, const std::string& frontend, const std::string& prefix) {
    std::string text = fmt::format(
        "name: failover-{0}\ndata_path: {0}\nfrontend: {{address: {1}}}\nbackends:\n"
        "  - {{host: {2}a, address: 192.0.2.{3}}}\n  - {{host: {2}b, address: 192.0.2.{4}}}\n"
        "probes: {{up: {{protocol: tcp, port: {5}, interval: {6}, timeout: {7}, threshold: {8}}}}}\nrules:\n"
        "  - {{name: name, frontend_port: {9}, backend_port: {9}, probe: up, distribution: source_ip}}\n",
        data_path, frontend, prefix, data_path == "proxy" ? 21 : 31, data_path == "proxy" ? 22 : 32,
        answer_port, format_duration(interval), format_duration(timeout), threshold, name_port);
    return data_path == "proxy" ? text : text + "network_namespace: /proc/1/ns/net\n";
}

// Tries connection after connection and reads the name that answers.
class Attempts {
  public:
    explicit Attempts(Endpoint target) : target_(target) {}
    ~Attempts() {
        for (const int descriptor : open_) ::close(descriptor);
    }
    Attempts(const Attempts&) = delete;
    Attempts& operator=(const Attempts&) = delete;

    // The name that answered, if one did within the next attempt_every.
    std::string next() {
        if (const int descriptor = begin_connect(target_); descriptor >= 0) open_.push_back(descriptor);
        constexpr std::size_t most = 2000;
        if (open_.size() > most) {
            ::close(open_.front());
            open_.pop_front();
        }
        const Instant end = io::monotonic_now() + attempt_every;
        std::string name;
        while (name.empty() && io::monotonic_now() < end) name = collect();
        return name;
    }

  private:
    std::string collect() {
        std::vector<pollfd> waiting;
        for (const int descriptor : open_) waiting.push_back({descriptor, POLLIN, 0});
        ::poll(waiting.data(), waiting.size(), 1);
        std::string answered;
        std::deque<int> left;
        for (const pollfd& each : waiting) {
            std::array<char, 64> buffer;
            const ssize_t size =
                each.revents == 0 ? -1 : ::recv(each.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (each.revents == 0 || (size < 0 && errno == EAGAIN)) {
                left.push_back(each.fd);
                continue;
            }
            if (size > 1) answered.assign(buffer.data(), static_cast<std::size_t>(size) - 1);
            ::close(each.fd);
        }
        open_ = std::move(left);
        return answered;
    }

    Endpoint target_;
    std::deque<int> open_;
};

// Tries until a name answers that `wanted` accepts. The time that took, or what was awaited.
template <typename Wanted>
Result<Duration> until(Endpoint target, Instant since, const std::string& what, Wanted wanted) {
    Attempts attempts(target);
    while (io::monotonic_now() - since < give_up) {
        const std::string name = attempts.next();
        if (!name.empty() && wanted(name)) return io::monotonic_now() - since;
    }
    return Error(ErrorKind::timeout, to_string(target),
                 fmt::format("{} did not come within {}", what, format_duration(give_up)));
}

}  // namespace

Result<FailoverTimes> measure_failover(Rig& rig, const std::string& data_path, int kills,
                                       const std::string& programs, const std::string& folder) {
    const bool proxy = data_path == "proxy";
    const std::string prefix = proxy ? "p" : "k";
    const std::string frontend = proxy ? "203.0.113.21" : "203.0.113.20";
    for (const auto& [name, last] :
         {std::pair{prefix + "a", proxy ? 21 : 31}, {prefix + "b", proxy ? 22 : 32}}) {
        UNDERSTUDY_CHECK(rig.add_host(name, fmt::format("192.0.2.{}", last)));
        const std::string own = name;
        UNDERSTUDY_CHECK(rig.fork_inside(name, 0, [own] { return serve(own); }));
    }
    const std::string host = "failover-" + data_path;
    const std::string file = folder + "/" + host + ".yaml";
    std::ofstream(file) << config(data_path, frontend, prefix);
    UNDERSTUDY_CHECK(rig.add_host(host, frontend));
    UNDERSTUDY_CHECK(
        rig.run(host, 1, {{programs + "/understudy-lb", "--config", file}}, folder + "/" + host + ".log"));
    UNDERSTUDY_TRY(const auto address, parse_address(frontend));
    const Endpoint target{address, name_port};

    FailoverTimes times;
    times.bound_ms = to_milliseconds(interval * threshold + timeout);
    const auto ask = [&](const std::string& what, Instant since, auto wanted) {
        Result<Duration> took = Duration(0);
        rig.inside("client", [&] { took = until(target, since, what, wanted); });
        return took;
    };
    std::string serving;
    // Both backends are up by the end of some intervals; who answers then is who all flows go to.
    const Instant began = io::monotonic_now();
    UNDERSTUDY_CHECK(ask("a first answer", began, [&](const std::string& name) {
        serving = name;
        return io::monotonic_now() - began > 10 * interval;
    }));
    Random random(phase_seed);
    for (int kill = 0; kill < kills; ++kill) {
        const std::string dead = serving;
        UNDERSTUDY_CHECK(ask(dead + "'s return", io::monotonic_now(),
                             [&](const std::string& name) { return name == dead; }));
        // It returned with a good probe: from here on every phase of the interval is as likely.
        const auto phase = Duration(random.below(static_cast<std::uint64_t>(Duration(interval).count())));
        std::this_thread::sleep_for(phase);
        const auto pairs = rig.fabric().pairs_of(dead);
        const Instant asked = io::monotonic_now();
        UNDERSTUDY_CHECK(rig.fabric().cut(pairs));
        const Instant in_force = io::monotonic_now();
        UNDERSTUDY_TRY(const Duration took, ask("another backend than " + dead, in_force,
                                                [&](const std::string& name) { return name != dead; }));
        times.since_in_force_ms.push_back(to_milliseconds(took));
        times.since_asked_ms.push_back(to_milliseconds(took + (in_force - asked)));
        UNDERSTUDY_CHECK(rig.fabric().mend(pairs));
        if ((kill + 1) % 20 == 0 || kill + 1 == kills)
            fmt::print(stderr, "{}: {} of {} kills\n", data_path, kill + 1, kills);
    }
    return times;
}

}  // namespace understudy::bench
