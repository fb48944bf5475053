// SPDX-License-Identifier: Apache-2.0
#include "vmctl/libvirt/domain.hpp"

#include <gmock/gmock.h>

namespace understudy::vmctl {
namespace {

using testing::HasSubstr;
using testing::Not;

DomainSpec specification() {
    DomainSpec spec;
    spec.name = "node-a";
    spec.kernel = "/cache/kernel";
    spec.initrd = "/cache/initrd";
    spec.disk = "/cache/disk";
    spec.command_line = "quiet";
    spec.interface = TapInterface{"p-node-a", "52:54:00:00:00:0a"};
    spec.agent_socket = "/region/node-a.sock";
    spec.console_log = "/region/node-a.log";
    return spec;
}

constexpr const char* golden = R"(<domain type="qemu">
    <name>node-a</name>
    <memory unit="KiB">163840</memory>
    <vcpu>1</vcpu>
    <os>
        <type arch="x86_64" machine="q35">hvm</type>
        <kernel>/cache/kernel</kernel>
        <initrd>/cache/initrd</initrd>
        <cmdline>quiet</cmdline>
    </os>
    <features>
        <acpi/>
        <vmport state="off"/>
        <tcg>
            <tb-cache unit="MiB">32</tb-cache>
        </tcg>
    </features>
    <cpu mode="maximum"/>
    <clock offset="utc">
        <timer name="hpet" present="no"/>
    </clock>
    <on_poweroff>destroy</on_poweroff>
    <on_reboot>restart</on_reboot>
    <on_crash>destroy</on_crash>
    <devices>
        <controller type="usb" model="none"/>
        <disk type="file" device="disk">
            <driver name="qemu" type="raw"/>
            <source file="/cache/disk"/>
            <target dev="vda" bus="virtio"/>
            <readonly/>
            <address type="pci" bus="0x00" slot="6"/>
        </disk>
        <interface type="ethernet">
            <mac address="52:54:00:00:00:0a"/>
            <target dev="p-node-a" managed="no"/>
            <model type="virtio"/>
            <rom enabled="no"/>
            <address type="pci" bus="0x00" slot="2"/>
        </interface>
        <serial type="file">
            <source path="/region/node-a.log"/>
            <target port="0"/>
        </serial>
        <controller type="virtio-serial" index="0">
            <address type="pci" bus="0x00" slot="3"/>
        </controller>
        <channel type="unix">
            <source mode="bind" path="/region/node-a.sock"/>
            <target type="virtio" name="org.understudy.agent"/>
        </channel>
        <memballoon model="virtio" freePageReporting="on">
            <address type="pci" bus="0x00" slot="4"/>
        </memballoon>
        <rng model="virtio">
            <backend model="random">/dev/urandom</backend>
            <address type="pci" bus="0x00" slot="5"/>
        </rng>
    </devices>
</domain>
)";

TEST(DomainXml, an_emulated_machine_is_written_as_agreed) {
    EXPECT_EQ(domain_xml(specification()).value(), golden);
}

TEST(DomainXml, kvm_hands_the_hosts_processor_through_and_has_no_translation_cache) {
    DomainSpec spec = specification();
    spec.accelerator = AcceleratorKind::kvm;
    const std::string xml = domain_xml(spec).value();
    EXPECT_THAT(xml, HasSubstr("<domain type=\"kvm\">"));
    EXPECT_THAT(xml, HasSubstr("<cpu mode=\"host-passthrough\" migratable=\"off\"/>"));
    EXPECT_THAT(xml, Not(HasSubstr("tcg")));
}

TEST(DomainXml, a_machine_without_an_interface_or_a_disk_has_none) {
    DomainSpec spec = specification();
    spec.interface.reset();
    spec.disk.clear();
    EXPECT_THAT(domain_xml(spec).value(), Not(HasSubstr("<interface")));
    EXPECT_THAT(domain_xml(spec).value(), Not(HasSubstr("<disk")));
}

TEST(DomainXml, markup_in_values_is_escaped) {
    DomainSpec spec = specification();
    spec.command_line = "a=\"<b>&c\" 'd'";
    spec.console_log = "/logs/<a>&\"b'.log";
    const std::string xml = domain_xml(spec).value();
    EXPECT_THAT(xml, HasSubstr("<cmdline>a=\"&lt;b&gt;&amp;c\" 'd'</cmdline>"));
    EXPECT_THAT(xml, HasSubstr("path=\"/logs/&lt;a&gt;&amp;&quot;b&apos;.log\""));
}

TEST(DomainXml, what_libvirt_would_refuse_is_refused_by_name) {
    const auto message_after = [](auto change) {
        DomainSpec spec = specification();
        change(spec);
        const auto xml = domain_xml(spec);
        return xml.has_error() ? xml.error().message() : "accepted";
    };
    EXPECT_THAT(message_after([](DomainSpec& s) { s.name = "a/b"; }), HasSubstr("domain name: 'a/b'"));
    EXPECT_THAT(message_after([](DomainSpec& s) { s.name = ""; }), HasSubstr("domain name"));
    EXPECT_THAT(message_after([](DomainSpec& s) { s.memory_bytes = 1000; }),
                HasSubstr("domain memory: 1000 bytes"));
    EXPECT_THAT(message_after([](DomainSpec& s) { s.vcpus = 0; }), HasSubstr("domain vcpus: 0"));
    EXPECT_THAT(message_after([](DomainSpec& s) { s.kernel = "kernel"; }),
                HasSubstr("domain kernel: 'kernel' is not"));
    EXPECT_THAT(message_after([](DomainSpec& s) { s.disk = "disk"; }),
                HasSubstr("domain disk: 'disk' is not"));
    EXPECT_THAT(message_after([](DomainSpec& s) { s.command_line = "a\nb"; }),
                HasSubstr("command line: has a control"));
    EXPECT_THAT(message_after([](DomainSpec& s) { s.agent_socket = "/" + std::string(107, 'a'); }),
                HasSubstr("longer than a socket's path"));
    EXPECT_THAT(message_after([](DomainSpec& s) { s.interface->mac_address = "01:00:5e:00:00:01"; }),
                HasSubstr("not a unicast MAC"));
    EXPECT_THAT(message_after([](DomainSpec& s) { s.interface->mac_address = "52:54:00:00:00:zz"; }),
                HasSubstr("not a unicast MAC"));
    EXPECT_THAT(message_after([](DomainSpec& s) { s.interface->device = "sixteen-letters-"; }),
                HasSubstr("not a device name"));
}

TEST(GuestCommandLine, ends_with_what_the_caller_adds) {
    EXPECT_THAT(guest_command_line("a=b"), testing::EndsWith(" a=b"));
    EXPECT_THAT(guest_command_line(), HasSubstr("panic=-1"));
}

}  // namespace
}  // namespace understudy::vmctl
