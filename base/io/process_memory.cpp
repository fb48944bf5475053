// SPDX-License-Identifier: Apache-2.0
#include "base/io/process_memory.hpp"

#include <fstream>
#include <string>

namespace understudy::io {
namespace {

// The value of "KEY:   123 kB" in bytes, 0 when absent.
std::uint64_t kilobytes_field(const std::string& path, const std::string& key) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        if (line.rfind(key + ":", 0) == 0)
            return std::stoull("0" + line.substr(line.find_first_of("0123456789"))) * 1024;
    return 0;
}

}  // namespace

Result<ProcessMemory> process_memory(pid_t process) {
    const std::string directory = "/proc/" + std::to_string(process);
    ProcessMemory memory;
    memory.resident_bytes = kilobytes_field(directory + "/status", "VmRSS");
    if (memory.resident_bytes == 0)
        return Error(ErrorKind::failed, "process " + std::to_string(process), "has ended");
    memory.proportional_bytes = kilobytes_field(directory + "/smaps_rollup", "Pss");
    if (memory.proportional_bytes == 0) memory.proportional_bytes = memory.resident_bytes;
    return memory;
}

}  // namespace understudy::io
