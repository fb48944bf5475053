// SPDX-License-Identifier: Apache-2.0
// Programs of the user's own.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/topology/reading.hpp"

namespace understudy::topology {
namespace {

// A host's files travel to its agent in one message of at most 1 MiB.
constexpr std::uintmax_t longest_file_bytes = 256 * 1024;

bool is_absolute(const std::string& path) {
    return path.size() > 1 && path.front() == '/' && path.find("/../") == std::string::npos &&
           !path.ends_with("/..") && path.back() != '/';
}

void check_absolute(const config::Value& value, const std::string& path) {
    if (!is_absolute(path))
        value.refuse(fmt::format("'{}' is not a path from the root", path),
                     "write it like /etc/broker/broker.xml");
}

// Paths are relative to the file that the value was written in.
std::filesystem::path beside(const config::Value& value, const std::string& written) {
    return std::filesystem::path(value.place().file).parent_path() / written;
}

void read_command(const config::Value& value, Program& program) {
    program.command = value.texts();
    if (program.command.empty() || program.command.front().empty()) {
        value.refuse("has no command", "write it like [python3, /etc/app/client.py]");
        return;
    }
    std::string& first = program.command.front();
    if (first.front() == '/' || first.find('/') == std::string::npos) return;
    const auto path = beside(value, first);
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) {
        value.refuse(fmt::format("'{}' is not a file", path.string()),
                     "paths are relative to the topology file; a plain name is looked up in PATH");
        return;
    }
    program.executable = std::filesystem::absolute(path).lexically_normal().string();
    first = "/opt/understudy/programs/" + path.filename().string();
}

std::string read_source(const config::Value& value) {
    const auto path = beside(value, value.text());
    std::error_code error;
    const auto bytes = std::filesystem::file_size(path, error);
    if (error) {
        value.refuse(fmt::format("'{}' is not a file", path.string()),
                     "paths are relative to the topology file");
        return {};
    }
    if (bytes > longest_file_bytes) {
        value.refuse(fmt::format("'{}' has {} bytes, more than {}", path.string(), bytes, longest_file_bytes),
                     "name it in from_machine");
        return {};
    }
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    if (!file) value.refuse(fmt::format("'{}' can't be read", path.string()));
    return content.str();
}

std::uint32_t read_mode(const config::Value& value) {
    const std::string text = value.text();
    std::uint32_t mode = 0;
    const bool octal =
        text.size() >= 3 && text.size() <= 4 && text.find_first_not_of("01234567") == std::string::npos;
    if (octal) mode = static_cast<std::uint32_t>(std::stoul(text, nullptr, 8));
    if (!octal || mode > 0777)
        value.refuse(fmt::format("'{}' is not a file mode", text), "write it like \"0755\"");
    return mode;
}

ProgramFile read_file(const config::Value& value) {
    ProgramFile file;
    if (value.is_scalar()) {
        file.content = read_source(value);
        return file;
    }
    config::Mapping mapping = value.mapping();
    const auto source = mapping.optional("source");
    const auto content = mapping.optional("content");
    if (source) file.content = read_source(*source);
    if (content) file.content = content->text();
    if (content && file.content.size() > longest_file_bytes)
        content->refuse(fmt::format("has {} bytes, more than {}", file.content.size(), longest_file_bytes));
    if (source && content) content->refuse("source is given too", "give one of the two");
    if (!source && !content && value.is_mapping())
        mapping.refuse("has no content", "give source: a file beside the topology, or content:");
    if (const auto mode = mapping.optional("mode")) file.mode = read_mode(*mode);
    mapping.refuse_unknown_keys();
    return file;
}

void read_from_machine(const config::Value& value, Program& program) {
    program.from_machine = value.texts();
    for (const std::string& path : program.from_machine) check_absolute(value, path);
}

void read_needs(const config::Value& value, Program& program) {
    config::Mapping mapping = value.mapping();
    for (const auto& [path, remedy] : mapping.entries()) {
        check_absolute(remedy, path);
        program.needs[path] = remedy.text();
    }
}

Program read_program(const config::Value& place) {
    config::Mapping mapping = place.mapping();
    Program program;
    if (const auto command = mapping.required("command")) read_command(*command, program);
    if (const auto environment = mapping.optional("environment")) {
        config::Mapping variables = environment->mapping();
        for (const auto& [name, value] : variables.entries()) {
            if (name.empty() || name.find('=') != std::string::npos || name.starts_with("UNDERSTUDY_"))
                value.refuse(fmt::format("'{}' can't be set", name), "choose another name");
            program.environment[name] = value.text();
        }
    }
    if (const auto directory = mapping.optional("working_directory")) {
        program.working_directory = directory->text();
        check_absolute(*directory, program.working_directory);
    }
    if (const auto files = mapping.optional("files")) {
        config::Mapping entries = files->mapping();
        for (const auto& [path, value] : entries.entries()) {
            check_absolute(value, path);
            program.files[path] = read_file(value);
        }
    }
    if (const auto needs = mapping.optional("needs")) read_needs(*needs, program);
    if (const auto paths = mapping.optional("from_machine")) read_from_machine(*paths, program);
    if (const auto restart = mapping.optional("restart"))
        program.restart = static_cast<Restart>(restart->choice({"always", "on_failure", "never"}));
    program.restart_delay = 100ms;
    if (const auto delay = mapping.optional("restart_delay"))
        program.restart_delay = delay->duration(0ms, 1h);
    program.stop_timeout = 5s;
    if (const auto timeout = mapping.optional("stop_timeout"))
        program.stop_timeout = timeout->duration(10ms, 10min);
    if (const auto port = mapping.optional("active_port")) program.active_port = port->port();
    const auto takeover = program.active_port ? mapping.required("takeover") : mapping.optional("takeover");
    if (takeover) program.takeover = takeover->duration(10ms, 1h);
    mapping.refuse_unknown_keys();
    return program;
}

}  // namespace

void read_programs(Reading& reading, config::Mapping& root) {
    const auto section = root.optional("programs");
    if (!section) return;
    config::Mapping mapping = section->mapping();
    for (const auto& [name, value] : mapping.entries()) {
        check_label(value, name);
        reading.topology.programs[name] = read_program(value);
    }
}

}  // namespace understudy::topology
