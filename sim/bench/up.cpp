// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/up.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <thread>

#include "base/io/clock.hpp"
#include "base/io/process_memory.hpp"
#include "sim/bench/bare_boot.hpp"
#include "sim/bench/write_results.hpp"
#include "sim/lab/control_client.hpp"
#include "sim/lab/guest_support.hpp"
#include "sim/lab/lifecycle.hpp"
#include "sim/lab/region_directory.hpp"
#include "sim/topology/reader.hpp"

namespace understudy::bench {
namespace {

constexpr Duration limit = 3min;

// The region at most one and a half times as long as the bare boots; what is measured beside a limit within
// it.
const std::vector<Aim> up_aims{{"vm region/bare boots", {"speed"}, 1 / 1.5},
                               {"pod region/1 s", {}, 1.0},
                               {"150 MiB/supervisor and services", {}, 1.0},
                               {"192 MiB/guest", {}, 1.0}};

constexpr std::chrono::seconds report_of_free_memory{3};

using NamedSamples = std::map<std::string, std::vector<double>>;

void add(NamedSamples& samples, const std::string& name, double value) {
    samples[name].push_back(value);
}

// In MiB, by whose it is.
struct MemorySamples {
    NamedSamples resident;
    NamedSamples proportional;  // what two guests share of one kernel counts half for each

    void add(const std::string& name, const io::ProcessMemory& used) {
        resident[name].push_back(static_cast<double>(used.resident_bytes) / (1 << 20));
        proportional[name].push_back(static_cast<double>(used.proportional_bytes) / (1 << 20));
    }
};

Result<void> measure_region(const topology::Topology& topology, topology::HostWorld world,
                            NamedSamples& times, MemorySamples& memory) {
    const std::string world_name = world == topology::HostWorld::vm ? "vm" : "pod";
    const std::string name = fmt::format("bench-{}", ::getpid());
    const Instant began = io::monotonic_now();
    UNDERSTUDY_CHECK(
        lab::bring_up({topology, name, world, limit}, [](const std::string&, const json::object*) {}));
    add(times, world_name + " region", to_milliseconds(io::monotonic_now() - began));
    // What a guest freed after its boot is given back two seconds after its driver has begun to report it.
    if (world == topology::HostWorld::vm) std::this_thread::sleep_for(report_of_free_memory);
    UNDERSTUDY_TRY(auto client, lab::ControlClient::connect(name));
    UNDERSTUDY_TRY(const auto answer, client.request({{"command", "status"}, {"memory", true}}, 10s));
    UNDERSTUDY_TRY(io::ProcessMemory services, io::process_memory(client.supervisor_pid()));
    memory.add(world_name + ": supervisor", services);
    for (const auto& entry : answer.at("status").as_object().at("hosts").as_array()) {
        const auto& host = entry.as_object();
        const std::string host_name(host.at("name").as_string());
        const io::ProcessMemory used{host.at("resident_bytes").to_number<std::uint64_t>(),
                                     host.at("proportional_bytes").to_number<std::uint64_t>()};
        memory.add(world_name + ": " + host_name, used);
        const bool carries_node =
            topology.find_machine(host_name) != nullptr || topology.nodes.contains(host_name);
        if (!carries_node && !topology.clients.contains(host_name)) services += used;
    }
    memory.add(world_name + ": supervisor and services", services);
    return lab::take_down(name);
}

}  // namespace

Result<void> bench_up(const UpBenchOptions& options) {
    UNDERSTUDY_TRY(const auto topology, topology::load_topology(options.topology));
    UNDERSTUDY_TRY(const auto guest,
                   lab::prepare_guest(topology, [](const std::string&, const json::object*) {}));
    std::uint64_t guest_bytes = 0;
    for (const auto& [name, machine] : topology.virtual_machines)
        guest_bytes = std::max(guest_bytes, machine.memory_bytes);
    const int machines = static_cast<int>(topology.virtual_machines.size());
    NamedSamples times;
    MemorySamples memory;
    for (int round = 0; round < options.rounds; ++round) {
        fmt::print(stderr, "round {} of {}\n", round + 1, options.rounds);
        UNDERSTUDY_TRY(const auto bare, boot_bare(guest, machines, guest_bytes, "/tmp", limit));
        add(times, fmt::format("{} bare QEMU boots", machines), to_milliseconds(bare));
        UNDERSTUDY_CHECK(measure_region(topology, topology::HostWorld::vm, times, memory));
        UNDERSTUDY_CHECK(measure_region(topology, topology::HostWorld::pod, times, memory));
    }
    Results results;
    for (const auto& [name, values] : times)
        results.rows.push_back({name,
                                name.ends_with("region") ? "time to first payment" : "time to process 1",
                                median(values), "ms"});
    for (const auto& [name, values] : memory.resident)
        results.rows.push_back({name, "resident memory", median(values), "MiB"});
    for (const auto& [name, values] : memory.proportional)
        results.rows.push_back({name, "proportional memory", median(values), "MiB"});
    // Pair by pair, so that a drift of the machine's speed falls out.
    std::vector<double> ratios;
    const auto& bare = times.at(fmt::format("{} bare QEMU boots", machines));
    for (std::size_t i = 0; i < bare.size(); ++i) ratios.push_back(bare[i] / times.at("vm region")[i]);
    results.ratios["vm region/bare boots speed"] = median(ratios);
    results.ratios["pod region/1 s speed"] = 1000 / median(times.at("pod region"));
    results.ratios["150 MiB/supervisor and services memory"] =
        150 / median(memory.resident.at("pod: supervisor and services"));
    double largest_guest = 0;
    for (const auto& [name, machine] : topology.virtual_machines)
        largest_guest = std::max(largest_guest, median(memory.resident.at("vm: " + name)));
    results.ratios["192 MiB/guest memory"] = 192 / largest_guest;
    fmt::print("{}", to_table(results));
    return conclude(results, up_aims, options.folder, "up",
                    "understudy up: time to the first payment, memory");
}

}  // namespace understudy::bench
