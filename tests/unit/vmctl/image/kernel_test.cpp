// SPDX-License-Identifier: Apache-2.0
// A bzImage made by hand around a small ELF file, in each compression.
#include <elf.h>
#include <gmock/gmock.h>
#include <lz4.h>
#include <zstd.h>

#include <cstring>

#include "tests/support/scratch_directory.hpp"
#include "vmctl/image/decompress.hpp"
#include "vmctl/image/kernel_source.hpp"
#include "vmctl/image/vmlinux.hpp"

namespace understudy::vmctl {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

template <typename T>
std::string bytes_of(const T& value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

// One loaded segment of 8 KiB, the second half zeros, and a note of the type given.
std::string small_kernel(std::uint32_t note_type) {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_machine = EM_X86_64;
    header.e_phoff = sizeof header;
    header.e_phnum = 2;
    const Elf64_Nhdr note{4, 8, note_type};
    const std::string notes = bytes_of(note) + "Xen\0"s + bytes_of(std::uint64_t{0x1000000});
    const Elf64_Phdr load{PT_LOAD, PF_R | PF_X, 4096, 0x1000000, 0x1000000, 8192, 12288, 4096};
    const Elf64_Phdr described{PT_NOTE, PF_R, 4096, 0x1000000, 0x1000000, notes.size(), notes.size(), 4};
    std::string kernel = bytes_of(header) + bytes_of(load) + bytes_of(described);
    kernel.resize(4096, '\0');
    kernel += notes;
    kernel.resize(8192, 'k');
    kernel.resize(12288, '\0');
    return kernel;
}

std::string bzimage_of(const std::string& payload) {
    std::string image(1024, '\0');
    image[0x1f1] = 1;
    std::memcpy(image.data() + 0x202, "HdrS\x0f\x02", 6);
    const std::uint32_t offset = 16, length = static_cast<std::uint32_t>(payload.size());
    std::memcpy(image.data() + 0x248, &offset, 4);
    std::memcpy(image.data() + 0x24c, &length, 4);
    return image + std::string(offset, '.') + payload + "rest";
}

std::string lz4_payload(const std::string& content) {
    std::string block(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(content.size()))), '\0');
    const int size = LZ4_compress_default(content.data(), block.data(), static_cast<int>(content.size()),
                                          static_cast<int>(block.size()));
    block.resize(static_cast<std::size_t>(size));
    return "\x02\x21\x4c\x18" + bytes_of(std::uint32_t(block.size())) + block +
           bytes_of(std::uint32_t(content.size()));
}

std::string zstd_payload(const std::string& content) {
    std::string frame(ZSTD_compressBound(content.size()), '\0');
    frame.resize(ZSTD_compress(frame.data(), frame.size(), content.data(), content.size(), 3));
    return frame + bytes_of(std::uint32_t(content.size()));
}

TEST(Vmlinux, is_found_in_a_bzimage_in_each_compression) {
    const std::string kernel = small_kernel(18);
    EXPECT_EQ(extract_vmlinux(bzimage_of(lz4_payload(kernel))).value(), kernel);
    EXPECT_EQ(extract_vmlinux(bzimage_of(zstd_payload(kernel))).value(), kernel);
}

TEST(Vmlinux, a_damaged_image_is_an_error_and_never_a_kernel) {
    const std::string image = bzimage_of(lz4_payload(small_kernel(18)));
    EXPECT_TRUE(extract_vmlinux("").has_error());
    EXPECT_TRUE(extract_vmlinux(image.substr(0, 0x24e)).has_error());
    EXPECT_TRUE(extract_vmlinux(image.substr(0, 1060)).has_error());
    EXPECT_TRUE(extract_vmlinux(bzimage_of("unknown compression")).has_error());
    const std::string zstd = zstd_payload(small_kernel(18));
    EXPECT_TRUE(decompress(zstd.substr(0, zstd.size() / 2), "x").has_error());
    EXPECT_TRUE(decompress("\xfd"
                           "7zXZ\0broken"s,
                           "x")
                    .has_error());
}

TEST(Vmlinux, is_trimmed_to_what_is_loaded_and_keeps_its_size_in_memory) {
    const auto trimmed = trim_vmlinux(small_kernel(18));
    ASSERT_TRUE(trimmed.has_value()) << trimmed.error().message();
    Elf64_Phdr load;
    std::memcpy(&load, trimmed->data() + sizeof(Elf64_Ehdr), sizeof load);
    EXPECT_EQ(load.p_filesz, 4096u);
    EXPECT_EQ(load.p_memsz, 12288u);
    EXPECT_EQ(load.p_paddr, 0x1000000u);
    EXPECT_EQ(trimmed->substr(load.p_offset, 4096), small_kernel(18).substr(4096, 4096));
    EXPECT_TRUE(trim_vmlinux(*trimmed).has_value());
}

TEST(Vmlinux, without_a_pvh_entry_is_refused) {
    const auto refused = trim_vmlinux(small_kernel(6));
    ASSERT_TRUE(refused.has_error());
    EXPECT_THAT(refused.error().message(), HasSubstr("no PVH entry"));
    EXPECT_TRUE(trim_vmlinux("\x7f"
                             "ELF")
                    .has_error());
    EXPECT_TRUE(trim_vmlinux(small_kernel(18).substr(0, 6000)).has_error());
}

TEST(FindKernel, takes_the_newest_of_the_first_candidate_that_has_one) {
    const test::ScratchDirectory directory;
    for (const char* version : {"6.1.0-9", "6.1.0-10"}) {
        directory.write("k/boot/vmlinuz-"s + version, "kernel");
        directory.write("k/lib/modules/"s + version + "/kernel/a.ko", "");
    }
    directory.write("k/boot/vmlinuz-7.0", "a kernel without modules");
    const auto found = find_kernel({directory.path() / "none", directory.path() / "k"});
    ASSERT_TRUE(found.has_value()) << found.error().message();
    EXPECT_EQ(found->version, "6.1.0-10");
    EXPECT_EQ(found->modules, directory.path() / "k/lib/modules/6.1.0-10");
}

TEST(FindKernel, says_what_was_wrong_with_each_candidate_and_what_to_do) {
    const test::ScratchDirectory directory;
    directory.write("k/boot/vmlinuz-7.0", "a kernel without modules");
    const auto missing = find_kernel({directory.path() / "k", "/no/such/place"});
    ASSERT_TRUE(missing.has_error());
    EXPECT_EQ(missing.error().kind, ErrorKind::environment);
    EXPECT_THAT(missing.error().message(), HasSubstr("no modules for 7.0"));
    EXPECT_THAT(missing.error().message(), HasSubstr("/no/such/place: no boot/vmlinuz-*"));
    EXPECT_THAT(missing.error().message(), testing::EndsWith("; run ./dev setup"));
}

}  // namespace
}  // namespace understudy::vmctl
