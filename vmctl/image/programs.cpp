// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/programs.hpp"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <sstream>

#include "vmctl/image/files.hpp"
#include "vmctl/image/subprocess.hpp"

namespace understudy::vmctl {
namespace fs = std::filesystem;
namespace {

constexpr const char* strip_path = "/usr/bin/strip";

// The loader that the program names, empty for a static one.
Result<std::string> interpreter(const fs::path& program, const std::string& content) {
    Elf64_Ehdr header;
    const Error not_elf(ErrorKind::bad_input, program.string(), "is not a 64-bit ELF program");
    if (content.size() < sizeof header) return not_elf;
    std::memcpy(&header, content.data(), sizeof header);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
        return not_elf;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr segment;
        const std::uint64_t at = header.e_phoff + i * sizeof segment;
        if (at > content.size() || content.size() - at < sizeof segment) return not_elf;
        std::memcpy(&segment, content.data() + at, sizeof segment);
        if (segment.p_type != PT_INTERP) continue;
        if (segment.p_offset > content.size() || segment.p_filesz > content.size() - segment.p_offset)
            return not_elf;
        return std::string(content.data() + segment.p_offset,
                           ::strnlen(content.data() + segment.p_offset, segment.p_filesz));
    }
    return std::string();
}

std::string relative(const std::string& path) {
    return path.substr(path.find_first_not_of('/'));
}

}  // namespace

Result<std::map<std::string, fs::path>> shared_libraries(const fs::path& program) {
    UNDERSTUDY_TRY(const std::string content, read_whole_file(program));
    UNDERSTUDY_TRY(const std::string loader, interpreter(program, content));
    std::map<std::string, fs::path> libraries;
    if (loader.empty()) return libraries;
    UNDERSTUDY_TRY(const ProgramResult listed,
                   run_program({loader, "--list", fs::absolute(program).string()}, 10s));
    libraries[relative(loader)] = loader;
    std::istringstream lines(listed.output);
    for (std::string line;
         std::getline(lines, line);) {  // "\tNAME => PATH (0xADDRESS)" or "\tPATH (0xADDRESS)"
        const std::size_t arrow = line.find(" => ");
        if (line.find("not found") != std::string::npos)
            return Error(ErrorKind::environment, program.string(),
                         "needs" + line.substr(0, arrow).replace(0, 1, " ") + ", which is not installed");
        const std::size_t begin = arrow == std::string::npos ? line.find_first_not_of('\t') : arrow + 4;
        const std::size_t end = line.rfind(" (0x");
        if (begin >= line.size() || line[begin] != '/' || end == std::string::npos || end <= begin) continue;
        const std::string path = line.substr(begin, end - begin);
        libraries[relative(path)] = path;
    }
    if (listed.status != 0)
        return Error(ErrorKind::environment, program.string(), "its libraries can't be listed")
            .with_number(listed.status);
    return libraries;
}

bool can_strip() {
    return ::access(strip_path, X_OK) == 0;
}

Result<std::string> stripped(const fs::path& program, const fs::path& scratch_dir) {
    if (!can_strip()) return read_whole_file(program);
    std::string copy = (scratch_dir / "tmp-strip-XXXXXX").string();
    const int descriptor = ::mkostemp(copy.data(), O_CLOEXEC);
    if (descriptor < 0) return system_error(copy, errno, ErrorKind::environment);
    ::close(descriptor);
    const auto done = run_program({strip_path, "--strip-all", "-o", copy, program.string()}, 20s);
    auto content = read_whole_file(done.has_value() && done->status == 0 ? fs::path(copy) : program);
    ::unlink(copy.c_str());
    return content;
}

}  // namespace understudy::vmctl
