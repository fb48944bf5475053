// SPDX-License-Identifier: Apache-2.0
#include "vmctl/libvirt/domain.hpp"

#include <sys/un.h>
#include <tinyxml2.h>

#include <algorithm>
#include <cctype>

namespace understudy::vmctl {
namespace {

using tinyxml2::XMLElement;

Error refused(const std::string& field, std::string reason) {
    return Error(ErrorKind::bad_input, "domain " + field, std::move(reason));
}

bool is_name(const std::string& text) {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '-' || c == '_' || c == '.';
    });
}

// XML 1.0 has no form for control characters, not even an escaped one.
bool is_xml_text(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

bool is_unicast_mac(const std::string& text) {
    if (text.size() != 17) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (i % 3 == 2 ? c != ':' : !std::isxdigit(c)) return false;
    }
    return (std::stoi(text.substr(0, 2), nullptr, 16) & 1) == 0;
}

Result<void> check_path(const std::string& field, const std::string& path) {
    if (path.empty() || path.front() != '/') return refused(field, "'" + path + "' is not an absolute path");
    if (!is_xml_text(path)) return refused(field, "has a control character");
    return {};
}

Result<void> check(const DomainSpec& spec) {
    if (!is_name(spec.name))
        return refused("name", "'" + spec.name + "' is not 1 to 64 letters, digits, '-', '_' or '.'");
    if (spec.memory_bytes < (64ull << 20) || spec.memory_bytes % 1024 != 0)
        return refused("memory", std::to_string(spec.memory_bytes) +
                                     " bytes is not a whole number of KiB of at least 64 MiB");
    if (spec.vcpus < 1 || spec.vcpus > 64)
        return refused("vcpus", std::to_string(spec.vcpus) + " is not 1 to 64");
    UNDERSTUDY_CHECK(check_path("kernel", spec.kernel));
    UNDERSTUDY_CHECK(check_path("initrd", spec.initrd));
    if (!spec.disk.empty()) UNDERSTUDY_CHECK(check_path("disk", spec.disk));
    UNDERSTUDY_CHECK(check_path("agent socket", spec.agent_socket));
    UNDERSTUDY_CHECK(check_path("console log", spec.console_log));
    if (spec.agent_socket.size() >= sizeof(sockaddr_un::sun_path))
        return refused("agent socket",
                       "'" + spec.agent_socket + "' is longer than a socket's path may be (107 bytes)");
    if (!is_xml_text(spec.command_line)) return refused("command line", "has a control character");
    if (spec.interface && !is_unicast_mac(spec.interface->mac_address))
        return refused("interface", "'" + spec.interface->mac_address + "' is not a unicast MAC address");
    if (spec.interface && (spec.interface->device.empty() || spec.interface->device.size() > 15 ||
                           !is_name(spec.interface->device)))
        return refused("interface",
                       "'" + spec.interface->device + "' is not a device name of 1 to 15 characters");
    return {};
}

XMLElement* add(XMLElement* parent, const char* name, const std::string& text = {}) {
    XMLElement* element = parent->InsertNewChildElement(name);
    if (!text.empty()) element->SetText(text.c_str());
    return element;
}

void add_boot(XMLElement* domain, const DomainSpec& spec) {
    XMLElement* os = add(domain, "os");
    XMLElement* type = add(os, "type", "hvm");
    type->SetAttribute("arch", "x86_64");
    type->SetAttribute("machine", "q35");
    add(os, "kernel", spec.kernel);
    add(os, "initrd", spec.initrd);
    add(os, "cmdline", spec.command_line);
}

void add_processor(XMLElement* domain, const DomainSpec& spec) {
    XMLElement* features = add(domain, "features");
    add(features, "acpi");  // the kernel finds its interrupts through it
    add(features, "vmport")->SetAttribute("state", "off");
    if (spec.accelerator == AcceleratorKind::tcg) {
        // Unlimited, the translation cache grows to a quarter of the memory of the machine.
        XMLElement* cache = add(add(features, "tcg"), "tb-cache", "32");
        cache->SetAttribute("unit", "MiB");
    }
    XMLElement* cpu = add(domain, "cpu");
    if (spec.accelerator == AcceleratorKind::kvm) {
        cpu->SetAttribute("mode", "host-passthrough");
        cpu->SetAttribute("migratable", "off");
    } else {
        cpu->SetAttribute("mode", "maximum");
    }
    XMLElement* clock = add(domain, "clock");
    clock->SetAttribute("offset", "utc");
    XMLElement* hpet = add(clock, "timer");
    hpet->SetAttribute("name", "hpet");
    hpet->SetAttribute("present", "no");
}

// On the root bus itself: behind a root port, which libvirt would make for each device, a device costs the
// guest a bridge, its interrupts and its error reporting at every boot.
void add_address(XMLElement* device, int slot) {
    XMLElement* address = add(device, "address");
    address->SetAttribute("type", "pci");
    address->SetAttribute("bus", "0x00");
    address->SetAttribute("slot", slot);
}

void add_disk(XMLElement* devices, const std::string& path) {
    XMLElement* disk = add(devices, "disk");
    disk->SetAttribute("type", "file");
    disk->SetAttribute("device", "disk");
    XMLElement* driver = add(disk, "driver");
    driver->SetAttribute("name", "qemu");
    driver->SetAttribute("type", "raw");
    add(disk, "source")->SetAttribute("file", path.c_str());
    XMLElement* target = add(disk, "target");
    target->SetAttribute("dev", "vda");
    target->SetAttribute("bus", "virtio");
    add(disk, "readonly");
    add_address(disk, 6);
}

void add_devices(XMLElement* domain, const DomainSpec& spec) {
    XMLElement* devices = add(domain, "devices");
    for (const char* unwanted : {"usb"}) {
        XMLElement* controller = add(devices, "controller");
        controller->SetAttribute("type", unwanted);
        controller->SetAttribute("model", "none");
    }
    if (!spec.disk.empty()) add_disk(devices, spec.disk);
    if (spec.interface) {
        XMLElement* interface = add(devices, "interface");
        interface->SetAttribute("type", "ethernet");
        add(interface, "mac")->SetAttribute("address", spec.interface->mac_address.c_str());
        XMLElement* target = add(interface, "target");
        target->SetAttribute("dev", spec.interface->device.c_str());
        target->SetAttribute("managed", "no");
        add(interface, "model")->SetAttribute("type", "virtio");
        add(interface, "rom")->SetAttribute("enabled", "no");  // never boots from the network
        add_address(interface, 2);
    }
    XMLElement* serial = add(devices, "serial");
    serial->SetAttribute("type", "file");
    add(serial, "source")->SetAttribute("path", spec.console_log.c_str());
    add(serial, "target")->SetAttribute("port", 0);
    XMLElement* ports = add(devices, "controller");
    ports->SetAttribute("type", "virtio-serial");
    ports->SetAttribute("index", 0);
    add_address(ports, 3);
    XMLElement* channel = add(devices, "channel");
    channel->SetAttribute("type", "unix");
    XMLElement* source = add(channel, "source");
    source->SetAttribute("mode", "bind");
    source->SetAttribute("path", spec.agent_socket.c_str());
    XMLElement* target = add(channel, "target");
    target->SetAttribute("type", "virtio");
    target->SetAttribute("name", agent_channel_name);
    XMLElement* balloon = add(devices, "memballoon");
    balloon->SetAttribute("model", "virtio");
    balloon->SetAttribute("freePageReporting", "on");
    add_address(balloon, 4);
    XMLElement* random = add(devices, "rng");
    random->SetAttribute("model", "virtio");
    add(random, "backend", "/dev/urandom")->SetAttribute("model", "random");
    add_address(random, 5);
}

}  // namespace

std::string guest_command_line(const std::string& extra) {
    // panic=-1: the end of process 1 restarts the machine at once, which ends the domain (see Hypervisor).
    std::string line =
        "console=ttyS0 quiet panic=-1 mitigations=off cryptomgr.notests tsc=reliable no_timer_check "
        "init_on_alloc=0 random.trust_cpu=on";
    if (!extra.empty()) line += " " + extra;
    return line;
}

Result<std::string> domain_xml(const DomainSpec& spec) {
    UNDERSTUDY_CHECK(check(spec));
    tinyxml2::XMLDocument document;
    XMLElement* domain = document.NewElement("domain");
    document.InsertEndChild(domain);
    domain->SetAttribute("type", spec.accelerator == AcceleratorKind::kvm ? "kvm" : "qemu");
    add(domain, "name", spec.name);
    add(domain, "memory", std::to_string(spec.memory_bytes / 1024))->SetAttribute("unit", "KiB");
    add(domain, "vcpu", std::to_string(spec.vcpus));
    add_boot(domain, spec);
    add_processor(domain, spec);
    add(domain, "on_poweroff", "destroy");
    add(domain, "on_reboot", "restart");
    add(domain, "on_crash", "destroy");
    add_devices(domain, spec);
    tinyxml2::XMLPrinter printer;
    document.Print(&printer);
    return std::string(printer.CStr());
}

}  // namespace understudy::vmctl
