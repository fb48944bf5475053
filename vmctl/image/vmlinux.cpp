// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/vmlinux.hpp"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "vmctl/image/decompress.hpp"

namespace understudy::vmctl {
namespace {

constexpr std::size_t page_bytes = 4096;
constexpr std::uint32_t pvh_entry_note = 18;

Error not_usable(std::string reason) {
    return Error(ErrorKind::failed, "kernel image", std::move(reason));
}

// A value of type T at an offset; nothing past the end.
template <typename T>
std::optional<T> value_at(std::string_view data, std::uint64_t at) {
    if (at > data.size() || data.size() - at < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, data.data() + at, sizeof value);
    return value;
}

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
    return (value + unit - 1) / unit * unit;
}

struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

bool within(std::string_view data, std::uint64_t offset, std::uint64_t size) {
    return offset <= data.size() && size <= data.size() - offset;
}

// Where the section lies in the file; empty when there is none.
Range find_section(std::string_view elf, const Elf64_Ehdr& header, std::string_view name) {
    const auto names = value_at<Elf64_Shdr>(elf, header.e_shoff + header.e_shstrndx * sizeof(Elf64_Shdr));
    if (!names || !within(elf, names->sh_offset, names->sh_size)) return {};
    const std::string_view table = elf.substr(names->sh_offset, names->sh_size);
    for (unsigned i = 0; i < header.e_shnum; ++i) {
        const auto section = value_at<Elf64_Shdr>(elf, header.e_shoff + i * sizeof(Elf64_Shdr));
        if (!section || section->sh_name >= table.size() ||
            !within(elf, section->sh_offset, section->sh_size))
            continue;
        const std::string_view found = table.substr(section->sh_name);
        if (found.substr(0, found.find('\0')) == name && section->sh_type == SHT_PROGBITS)
            return {section->sh_offset, section->sh_offset + section->sh_size};
    }
    return {};
}

bool has_pvh_entry(std::string_view notes) {
    for (std::uint64_t at = 0; const auto note = value_at<Elf64_Nhdr>(notes, at);) {
        const std::string_view owner = notes.substr(std::min<std::uint64_t>(at + sizeof *note, notes.size()));
        if (note->n_type == pvh_entry_note && note->n_namesz == 4 && owner.starts_with("Xen")) return true;
        at += sizeof *note + round_up(note->n_namesz, 4) + round_up(note->n_descsz, 4);
    }
    return false;
}

// The parts of a loaded segment worth keeping: all of it, or what lies before and after the hole, by whole
// pages.
std::vector<Elf64_Phdr> split_around(const Elf64_Phdr& segment, Range hole) {
    const std::uint64_t end = segment.p_offset + segment.p_filesz;
    if (hole.begin < segment.p_offset || hole.end > end) return {segment};
    const std::uint64_t first = round_up(hole.begin - segment.p_offset, page_bytes);
    const std::uint64_t second = (hole.end - segment.p_offset) / page_bytes * page_bytes;
    if (second <= first) return {segment};
    Elf64_Phdr before = segment;
    before.p_filesz = before.p_memsz = first;
    Elf64_Phdr after = segment;
    after.p_offset += second;
    after.p_vaddr += second;
    after.p_paddr += second;
    after.p_filesz -= second;
    after.p_memsz -= second;
    return {before, after};
}

void drop_trailing_zeros(Elf64_Phdr& segment, std::string_view elf) {
    const std::string_view content = elf.substr(segment.p_offset, segment.p_filesz);
    segment.p_filesz = content.find_last_not_of('\0') + 1;  // npos + 1 is 0
}

std::string write_elf(std::string_view elf, Elf64_Ehdr header, const std::vector<Elf64_Phdr>& loaded,
                      const Elf64_Phdr& notes) {
    std::vector<Elf64_Phdr> placed = loaded;
    placed.push_back(notes);
    header.e_phoff = sizeof header;
    header.e_phnum = static_cast<Elf64_Half>(placed.size());
    header.e_shoff = header.e_shnum = header.e_shstrndx = header.e_shentsize = 0;
    std::string body(page_bytes, '\0');
    for (Elf64_Phdr& segment : placed) {
        const std::string_view content = elf.substr(segment.p_offset, segment.p_filesz);
        segment.p_offset = body.size();
        if (segment.p_type == PT_LOAD)
            segment.p_align = page_bytes;  // a note's says how its entries are padded
        body += content;
        body.resize(round_up(body.size(), page_bytes), '\0');
    }
    std::memcpy(body.data(), &header, sizeof header);
    std::memcpy(body.data() + sizeof header, placed.data(), placed.size() * sizeof(Elf64_Phdr));
    return body;
}

}  // namespace

Result<std::string> extract_vmlinux(std::string_view bzimage) {
    const auto magic = value_at<std::uint32_t>(bzimage, 0x202);
    const auto version = value_at<std::uint16_t>(bzimage, 0x206);
    const auto payload_offset = value_at<std::uint32_t>(bzimage, 0x248);
    const auto payload_length = value_at<std::uint32_t>(bzimage, 0x24c);
    if (magic != 0x53726448u || version < 0x0208 || !payload_length)
        return not_usable("has no boot header of version 2.08");
    const auto setup_sectors = static_cast<unsigned char>(bzimage[0x1f1]);
    const std::uint64_t start =
        (std::uint64_t{setup_sectors == 0 ? 4u : setup_sectors} + 1) * 512 + *payload_offset;
    if (!within(bzimage, start, *payload_length)) return not_usable("is cut short");
    return decompress(bzimage.substr(start, *payload_length), "kernel image");
}

Result<std::string> trim_vmlinux(std::string_view vmlinux) {
    const auto header = value_at<Elf64_Ehdr>(vmlinux, 0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64)
        return not_usable("holds no 64-bit x86 ELF file");
    const Range type_information = find_section(vmlinux, *header, ".BTF");
    std::vector<Elf64_Phdr> loaded;
    std::optional<Elf64_Phdr> notes;
    for (unsigned i = 0; i < header->e_phnum && i < 32; ++i) {
        const auto segment = value_at<Elf64_Phdr>(vmlinux, header->e_phoff + i * sizeof(Elf64_Phdr));
        if (!segment || !within(vmlinux, segment->p_offset, segment->p_filesz))
            return not_usable("is cut short");
        if (segment->p_type == PT_NOTE && has_pvh_entry(vmlinux.substr(segment->p_offset, segment->p_filesz)))
            notes = *segment;
        if (segment->p_type != PT_LOAD) continue;
        for (Elf64_Phdr part : split_around(*segment, type_information)) {
            drop_trailing_zeros(part, vmlinux);
            loaded.push_back(part);
        }
    }
    if (!notes || loaded.empty()) return not_usable("has no PVH entry");
    return write_elf(vmlinux, *header, loaded, *notes);
}

}  // namespace understudy::vmctl
