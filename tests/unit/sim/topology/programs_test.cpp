// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "sim/topology/bound.hpp"
#include "sim/topology/queries.hpp"
#include "tests/unit/sim/topology/guide.hpp"

namespace understudy::topology {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Topology brokers(const std::vector<std::string>& settings = {}) {
    return *load_topology(topologies() + "/activemq-shared-store.yaml", settings);
}

// Two machines and a client that carry the program described.
Result<Topology> with_program(const std::string& program, const std::string& machines = "program: p") {
    return parse_topology(
        fmt::format("{{version: 1, name: t, virtual_machines: {{a: {{address: 192.0.2.1, {}}}}}, programs: "
                    "{{p: {{{}}}}}}}",
                    machines, program),
        topologies() + "/beside.yaml");
}

TEST(Programs, a_command_with_environment_and_files_is_read_with_its_defaults) {
    const auto topology = with_program(
        "command: [app, -v], environment: {SIZE: 3}, working_directory: /srv/app, from_machine: /etc/ssl, "
        "needs: {/usr/bin/app: apt install app}, "
        "files: {/etc/app/a: {content: hello, mode: \"0600\"}, /etc/app/b: activemq/client.py}");
    ASSERT_TRUE(topology.has_value()) << topology.error().message();
    const Program& program = topology->programs.at("p");
    EXPECT_THAT(program.command, ElementsAre("app", "-v"));
    EXPECT_EQ(program.executable, "");
    EXPECT_EQ(program.environment.at("SIZE"), "3");
    EXPECT_EQ(program.working_directory, "/srv/app");
    EXPECT_THAT(program.from_machine, ElementsAre("/etc/ssl"));
    EXPECT_EQ(program.needs.at("/usr/bin/app"), "apt install app");
    EXPECT_EQ(program.files.at("/etc/app/a").content, "hello");
    EXPECT_EQ(program.files.at("/etc/app/a").mode, 0600u);
    EXPECT_THAT(program.files.at("/etc/app/b").content, HasSubstr("SPDX-License-Identifier"));
    EXPECT_EQ(program.files.at("/etc/app/b").mode, 0644u);
    EXPECT_EQ(program.restart, Restart::always);
    EXPECT_EQ(program.stop_timeout, 5s);
    EXPECT_FALSE(program.active_port.has_value());
}

TEST(Programs, a_command_beside_the_topology_is_taken_into_the_host) {
    const auto topology = with_program("command: activemq/client.py");
    ASSERT_TRUE(topology.has_value()) << topology.error().message();
    EXPECT_THAT(topology->programs.at("p").command, ElementsAre("/opt/understudy/programs/client.py"));
    EXPECT_EQ(topology->programs.at("p").executable, topologies() + "/activemq/client.py");
}

TEST(Programs, mistakes_are_refused_with_what_would_be_right) {
    EXPECT_THAT(refusal(with_program("restart: always")), HasSubstr("command: is missing"));
    EXPECT_THAT(refusal(with_program("command: ./absent")), HasSubstr("absent' is not a file"));
    EXPECT_THAT(refusal(with_program("command: app, files: {etc/app: {content: x}}")),
                HasSubstr("'etc/app' is not a path from the root"));
    EXPECT_THAT(refusal(with_program("command: app, files: {/etc/../app: {content: x}}")),
                HasSubstr("is not a path from the root"));
    EXPECT_THAT(refusal(with_program("command: app, files: {/etc/app: {}}")), HasSubstr("has no content"));
    EXPECT_THAT(refusal(with_program("command: app, files: {/etc/app: {content: x, source: y}}")),
                HasSubstr("source is given too"));
    EXPECT_THAT(refusal(with_program("command: app, files: {/etc/app: {content: x, mode: rw}}")),
                HasSubstr("'rw' is not a file mode"));
    EXPECT_THAT(refusal(with_program("command: app, files: {/etc/app: absent}")),
                HasSubstr("absent' is not a file"));
    EXPECT_THAT(refusal(with_program("command: app, environment: {UNDERSTUDY_HOST: x}")),
                HasSubstr("'UNDERSTUDY_HOST' can't be set"));
    EXPECT_THAT(refusal(with_program("command: app, active_port: 80")), HasSubstr("takeover: is missing"));
    EXPECT_THAT(refusal(with_program("command: app", "program: q")), HasSubstr("there is no program 'q'"));
    EXPECT_THAT(refusal(with_program("command: app", "program: p, node: n")),
                HasSubstr("carries a node already"));
    EXPECT_THAT(refusal(with_program("command: app}}, clients: {c: {program: p, calls: n")),
                HasSubstr("the client runs a program"));
}

TEST(Programs, machines_with_one_active_port_take_over_from_each_other) {
    const Topology topology = brokers();
    EXPECT_EQ(high_availability_node(topology), "");
    EXPECT_EQ(high_availability_program(topology), "broker");
    EXPECT_THAT(high_availability_hosts(topology), ElementsAre("broker-a", "broker-b"));
    EXPECT_TRUE(has_programs(topology));
    const Topology guide = *load_topology(topologies() + "/corda-ha.yaml");
    EXPECT_EQ(high_availability_program(guide), "");
    EXPECT_FALSE(has_programs(guide));
    EXPECT_THAT(high_availability_hosts(*with_program("command: app, active_port: 80, takeover: 1s")),
                IsEmpty());
}

TEST(Programs, the_bound_is_the_sum_of_lease_takeover_probe_and_clients_tries) {
    // (I + C) + L + L/4 + takeover + P + T + C + max(I, Q) + C
    const Duration general = worst_case_outage(brokers(), {}, FaultKind::kill);
    EXPECT_EQ(general, 2100ms + 3750ms + 5s + 500ms + 500ms + 2s + 500ms + 2s);
    EXPECT_EQ(worst_case_outage(brokers(), {}, FaultKind::share_loss) - general, 10s);
    EXPECT_EQ(worst_case_outage(brokers(), {300ms, 200ms, 4s}, FaultKind::reset) - general, 4s);
}

}  // namespace
}  // namespace understudy::topology
