// SPDX-License-Identifier: Apache-2.0
// Guests under emulation, never more than two at once. The last test closes the hypervisor.
#include "vmctl/libvirt/hypervisor.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include <cstdio>

#include "base/io/clock.hpp"
#include "sandbox.hpp"
#include "test_guest.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::vmctl {
namespace {

using testing::StartsWith;

// libvirt's embedded driver opens one directory in the life of a process.
struct Shared {
    test::ScratchDirectory directory;
    EventLog events;
    GuestImage image;
    std::unique_ptr<Hypervisor> hypervisor;
    std::string cannot;  // why not, where this machine can't
};

class HypervisorTest : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        shared_ = std::make_unique<Shared>();
        const auto done = prepare(*shared_);
        if (done.has_error() && done.error().kind == ErrorKind::environment)
            shared_->cannot = done.error().message();
        ASSERT_TRUE(done.has_value() || !shared_->cannot.empty()) << done.error().message();
    }
    static void TearDownTestSuite() { shared_.reset(); }

    void SetUp() override {
        if (!shared_->cannot.empty()) GTEST_SKIP() << shared_->cannot;
        ASSERT_NE(hypervisor(), nullptr);
    }

    static Result<void> prepare(Shared& shared) {
        if (!sandbox_failure().empty()) return Error(ErrorKind::environment, "namespaces", sandbox_failure());
        UNDERSTUDY_TRY(const auto kernel, test_kernel());
        UNDERSTUDY_TRY(shared.image,
                       build_guest_image(test_image_spec(kernel, shared.directory.path() / "image")));
        const Instant before = io::monotonic_now();
        UNDERSTUDY_TRY(shared.hypervisor,
                       Hypervisor::open({shared.directory.path() / "lv", shared.directory.path() / "caps",
                                         shared.events.listener(), true}));
        std::printf("libvirt opened in %.0f ms\n", to_milliseconds(io::monotonic_now() - before));
        return {};
    }

    Hypervisor* hypervisor() { return shared_->hypervisor.get(); }
    EventLog& events() { return shared_->events; }
    std::filesystem::path path(const std::string& name) { return shared_->directory.path() / name; }

    DomainSpec specification(const std::string& name) {
        DomainSpec spec;
        spec.name = name;
        spec.kernel = shared_->image.kernel;
        spec.initrd = shared_->image.initrd;
        spec.disk = shared_->image.disk;
        spec.command_line = guest_command_line();
        spec.agent_socket = path(name + ".sock");
        spec.console_log = path(name + ".log");
        return spec;
    }

    // Starts the domain and waits until its process 1 reports.
    void boot(const DomainSpec& spec, AgentChannel& channel) {
        const Instant before = io::monotonic_now();
        const auto started = hypervisor()->start(spec);
        ASSERT_TRUE(started.has_value()) << started.error().message();
        const double start_ms = to_milliseconds(io::monotonic_now() - before);
        ASSERT_TRUE(channel.connect(spec.agent_socket, 10s));
        expect_up(channel);
        std::printf("%s: started in %.0f ms, process 1 after %.0f ms\n", spec.name.c_str(), start_ms,
                    to_milliseconds(io::monotonic_now() - before));
    }

    std::string expect_up(AgentChannel& channel) {
        const auto line = channel.receive(boot_limit);
        EXPECT_TRUE(line.has_value()) << events().all();
        EXPECT_THAT(line.value_or(""), StartsWith("up "));
        std::printf("guest says: %s\n", line.value_or("").c_str());
        return line.value_or("");
    }

    void expect_state(const std::string& name, DomainState expected) {
        const auto state = hypervisor()->state(name);
        ASSERT_TRUE(state.has_value()) << state.error().message();
        EXPECT_STREQ(to_string(*state), to_string(expected));
    }

    static std::unique_ptr<Shared> shared_;
};

std::unique_ptr<Shared> HypervisorTest::shared_;

TEST_F(HypervisorTest, a_guest_boots_is_paused_reset_and_cut_off) {
    DomainSpec spec = specification("a");
    if (!tap_device().empty()) spec.interface = TapInterface{tap_device(), "52:54:00:00:00:0a"};
    AgentChannel channel;
    ASSERT_NO_FATAL_FAILURE(boot(spec, channel));
    EXPECT_TRUE(events().wait_for("a", "started", 5s)) << events().all();
    EXPECT_FALSE(std::filesystem::is_empty(path("caps"))) << "what QEMU can do was not kept";
    expect_state("a", DomainState::running);

    const auto memory = hypervisor()->memory("a");
    ASSERT_TRUE(memory.has_value()) << memory.error().message();
    std::printf("resident %.0f MiB, proportional %.0f MiB\n",
                static_cast<double>(memory->resident_bytes) / (1 << 20),
                static_cast<double>(memory->proportional_bytes) / (1 << 20));
#if !defined(__SANITIZE_ADDRESS__)
    EXPECT_LT(memory->resident_bytes, 192u << 20);
#endif

    ASSERT_TRUE(hypervisor()->suspend("a").has_value());
    expect_state("a", DomainState::paused);
    channel.send("ping");
    EXPECT_FALSE(channel.receive(300ms).has_value()) << "a paused guest answered";
    ASSERT_TRUE(hypervisor()->resume("a").has_value());
    EXPECT_EQ(channel.receive(10s), "pong");
    EXPECT_TRUE(events().wait_for("a", "suspended: paused", 5s)) << events().all();
    EXPECT_TRUE(events().wait_for("a", "resumed", 5s)) << events().all();

    const auto process = hypervisor()->process_id("a");
    ASSERT_TRUE(process.has_value()) << process.error().message();
    ASSERT_TRUE(hypervisor()->reset("a").has_value());
    expect_up(channel);
    expect_state("a", DomainState::running);

    const Instant before = io::monotonic_now();
    ASSERT_TRUE(hypervisor()->destroy("a").has_value());
    std::printf("destroyed in %.0f ms\n", to_milliseconds(io::monotonic_now() - before));
    expect_state("a", DomainState::absent);
    EXPECT_TRUE(events().wait_for("a", "stopped: destroyed", 5s)) << events().all();
    EXPECT_NE(::kill(*process, 0), 0) << "QEMU still runs";
}

TEST_F(HypervisorTest, the_end_of_process_1_ends_the_domain) {
    const DomainSpec spec = specification("b");
    AgentChannel channel;
    ASSERT_NO_FATAL_FAILURE(boot(spec, channel));
    const auto process = hypervisor()->process_id("b");
    channel.send("exit");
    EXPECT_TRUE(events().wait_for("b", "crashed: restarted by the guest", 20s)) << events().all();
    EXPECT_TRUE(events().wait_for("b", "stopped", 20s)) << events().all();
    EXPECT_NE(::kill(process.has_value() ? *process : 1, 0), 0) << "QEMU still runs";
    expect_state("b", DomainState::absent);
}

TEST_F(HypervisorTest, what_cannot_be_done_is_said_in_libvirts_words) {
    const auto missing = hypervisor()->destroy("no-such-domain");
    ASSERT_TRUE(missing.has_error());
    EXPECT_THAT(missing.error().message(), StartsWith("domain no-such-domain: libvirt: Domain not found"));
    DomainSpec spec = specification("e");
    spec.kernel = "/no/such/kernel";
    const auto refused = hypervisor()->start(spec);
    ASSERT_TRUE(refused.has_error());
    EXPECT_THAT(refused.error().message(), testing::HasSubstr("/no/such/kernel"));
    expect_state("e", DomainState::absent);
}

TEST_F(HypervisorTest, two_guests_boot_side_by_side_and_end_with_the_hypervisor) {
    AgentChannel first, second;
    const Instant before = io::monotonic_now();
    ASSERT_TRUE(hypervisor()->start(specification("c")).has_value());
    ASSERT_TRUE(hypervisor()->start(specification("d")).has_value());
    ASSERT_TRUE(first.connect(specification("c").agent_socket, 10s));
    ASSERT_TRUE(second.connect(specification("d").agent_socket, 10s));
    expect_up(first);
    expect_up(second);
    std::printf("two guests up in %.0f ms\n", to_milliseconds(io::monotonic_now() - before));
    const auto process = hypervisor()->process_id("c");
    ASSERT_TRUE(process.has_value()) << process.error().message();
    shared_->hypervisor.reset();
    EXPECT_NE(::kill(*process, 0), 0) << "QEMU outlived its hypervisor";
}

}  // namespace
}  // namespace understudy::vmctl
