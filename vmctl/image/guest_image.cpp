// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/guest_image.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <optional>

#include "vmctl/image/cache.hpp"
#include "vmctl/image/compress.hpp"
#include "vmctl/image/cpio.hpp"
#include "vmctl/image/erofs.hpp"
#include "vmctl/image/file_stamps.hpp"
#include "vmctl/image/files.hpp"
#include "vmctl/image/modules.hpp"
#include "vmctl/image/programs.hpp"
#include "vmctl/image/skeleton.hpp"
#include "vmctl/image/vmlinux.hpp"

namespace understudy::vmctl {
namespace fs = std::filesystem;
namespace {

// Part of every cache key: raise it when the same inputs come to make another image.
constexpr const char* format_version = "understudy guest image 3";

// Where the disk is mounted, by understudy-first-init.
constexpr const char* disk_mount = "/image";

const std::vector<std::string> disk_modules = {"virtio_pci", "virtio_blk", "erofs"};
const std::vector<std::string> other_modules = {"virtio_console", "virtio_rng", "virtio_net",
                                                "virtio_balloon", "fuse"};

std::string in_archive(const std::string& guest_path) {
    return guest_path.substr(std::min(guest_path.find_first_not_of('/'), guest_path.size()));
}

// Everything that goes into the first root file system and onto the disk, read.
struct Parts {
    FileStamps stamps;  // of every file that was read
    std::string bzimage;
    std::vector<KernelModule> disk_modules;
    std::vector<KernelModule> other_modules;
    std::string first_init;
    std::map<std::string, std::string> libraries;  // path in the archive to content
    std::vector<std::string> programs;  // contents as they are on this machine, in the order of the spec
    std::string busybox;
};

Result<void> check(const GuestImageSpec& spec) {
    const auto is_init = [&](const GuestProgram& program) { return program.guest_path == spec.init; };
    if (std::none_of(spec.programs.begin(), spec.programs.end(), is_init))
        return Error(ErrorKind::bad_input, "guest image", "init '" + spec.init + "' is none of its programs");
    for (const GuestProgram& program : spec.programs)
        if (program.guest_path.size() < 2 || program.guest_path.front() != '/' ||
            program.guest_path.back() == '/')
            return Error(ErrorKind::bad_input, "guest image",
                         "'" + program.guest_path + "' is not a file's absolute path");
    return {};
}

Result<Parts> read_parts(const GuestImageSpec& spec) {
    Parts parts;
    parts.stamps.add(spec.kernel.image);
    UNDERSTUDY_TRY(parts.bzimage, read_whole_file(spec.kernel.image));
    parts.stamps.add("/etc/ld.so.cache");  // which file a library's name leads to
    UNDERSTUDY_TRY(parts.disk_modules, collect_modules(spec.kernel, disk_modules, &parts.stamps));
    UNDERSTUDY_TRY(parts.other_modules, collect_modules(spec.kernel, other_modules, &parts.stamps));
    std::erase_if(parts.other_modules, [&](const KernelModule& module) {
        return std::any_of(parts.disk_modules.begin(), parts.disk_modules.end(),
                           [&](const KernelModule& other) { return other.name == module.name; });
    });
    parts.stamps.add(spec.first_init);
    UNDERSTUDY_TRY(parts.first_init, read_whole_file(spec.first_init));
    for (const GuestProgram& program : spec.programs) {
        parts.stamps.add(program.file);
        UNDERSTUDY_TRY(std::string content, read_whole_file(program.file));
        parts.programs.push_back(std::move(content));
        UNDERSTUDY_TRY(const auto libraries, shared_libraries(program.file));
        for (const auto& [path, file] : libraries) {
            if (parts.libraries.contains(path)) continue;
            parts.stamps.add(file);
            UNDERSTUDY_TRY(parts.libraries[path], read_whole_file(file));
        }
    }
    parts.stamps.add(spec.busybox);
    auto busybox = read_whole_file(spec.busybox);
    if (busybox.has_error())
        return std::move(busybox).error().with_remedy("install the package busybox-static");
    parts.busybox = std::move(*busybox);
    return parts;
}

std::string hash_of(const GuestImageSpec& spec, const Parts& parts) {
    ContentHash hash;
    hash.add(format_version);
    hash.add(spec.init);
    hash.add(can_strip() ? "stripped" : "whole");
    hash.add(parts.first_init);
    for (const auto* modules : {&parts.disk_modules, &parts.other_modules}) {
        hash.add(std::to_string(modules->size()));
        for (const KernelModule& module : *modules) {
            hash.add(module.name);
            hash.add(module.content);
        }
    }
    for (std::size_t i = 0; i < parts.programs.size(); ++i) {
        hash.add(spec.programs[i].guest_path);
        hash.add(parts.programs[i]);
    }
    for (const auto& [path, content] : parts.libraries) {
        hash.add(path);
        hash.add(content);
    }
    hash.add(parts.busybox);
    return hash.finish();
}

std::string module_path(const KernelModule& module) {
    return "lib/modules/" + module.name + ".ko";
}

std::string list_of(const std::vector<KernelModule>& modules) {
    std::string list;
    for (const KernelModule& module : modules) list += "/" + module_path(module) + "\n";
    return list;
}

Result<std::map<std::string, std::string>> files_on_disk(const GuestImageSpec& spec, const Parts& parts) {
    std::map<std::string, std::string> files;
    for (const auto& [path, content] :
         parts.libraries)  // "app/bin/../lib/x.so" of one that looks beside itself
        files[fs::path(path).lexically_normal().string()] = content;
    files["bin/busybox"] = parts.busybox;
    for (const KernelModule& module : parts.other_modules) files[module_path(module)] = module.content;
    for (const GuestProgram& program : spec.programs) {
        UNDERSTUDY_TRY(files[in_archive(program.guest_path)], stripped(program.file, spec.cache_dir));
    }
    return files;
}

Result<std::string> make_initrd(const GuestImageSpec& spec, const Parts& parts,
                                const std::map<std::string, std::string>& on_disk) {
    CpioArchive archive;
    add_skeleton(archive);
    archive.add_directory(in_archive(disk_mount));
    for (const KernelModule& module : parts.disk_modules)
        archive.add_file(module_path(module), module.content);
    archive.add_file("etc/understudy/disk-modules", list_of(parts.disk_modules));
    archive.add_file("etc/understudy/modules", list_of(parts.other_modules));
    for (const auto& [path, content] : on_disk) archive.add_link(path, std::string(disk_mount) + "/" + path);
    UNDERSTUDY_TRY(std::string first_init, stripped(spec.first_init, spec.cache_dir));
    archive.add_file("init", std::move(first_init), 0755);
    archive.add_link("sbin/init", spec.init);
    return compress_lz4_legacy(archive.bytes());
}

// A kernel that can't be entered by PVH is booted as its distribution ships it.
std::string make_kernel(std::string bzimage) {
    const auto vmlinux = extract_vmlinux(bzimage);
    if (vmlinux.has_error()) return bzimage;
    auto trimmed = trim_vmlinux(*vmlinux);
    return trimmed.has_value() ? std::move(*trimmed) : std::move(bzimage);
}

// Where an image made from the same files under the same names is noted.
std::string stamps_name(const GuestImageSpec& spec) {
    ContentHash hash;
    hash.add(format_version);
    hash.add(can_strip() ? "stripped" : "whole");
    for (const fs::path& path : {spec.kernel.image, spec.kernel.modules, spec.busybox, spec.first_init})
        hash.add(fs::absolute(path).string());
    for (const auto* modules : {&disk_modules, &other_modules})
        for (const std::string& module : *modules) hash.add(module);
    hash.add(spec.init);
    for (const GuestProgram& program : spec.programs) {
        hash.add(fs::absolute(program.file).string());
        hash.add(program.guest_path);
    }
    return hash.finish();
}

struct Keys {
    std::string kernel;
    std::string system;  // the first root file system and the disk, which belong together
};

std::string to_text(const Keys& keys, const FileStamps& stamps) {
    return keys.kernel + " " + keys.system + "\n" + stamps.text();
}

// The keys that were noted, if every file is still as it was then.
std::optional<Keys> noted_keys(const fs::path& note) {
    const auto text = read_whole_file(note);
    if (text.has_error()) return std::nullopt;
    const std::size_t blank = text->find(' ');
    const std::size_t end = text->find('\n');
    if (blank == std::string::npos || end == std::string::npos || blank > end) return std::nullopt;
    if (!FileStamps::hold(std::string_view(*text).substr(end + 1))) return std::nullopt;
    return Keys{text->substr(0, blank), text->substr(blank + 1, end - blank - 1)};
}

GuestImage image_of(const GuestImageSpec& spec, const ImageCache& cache, const Keys& keys) {
    GuestImage image;
    image.kernel_version = spec.kernel.version;
    image.kernel = cache.path("kernel", keys.kernel);
    image.initrd = cache.path("initrd", keys.system);
    image.disk = cache.path("disk", keys.system);
    image.from_cache = cache.use(image.kernel) & cache.use(image.initrd) & cache.use(image.disk);
    ContentHash both;
    both.add(keys.kernel);
    both.add(keys.system);
    image.content_hash = both.finish();
    return image;
}

}  // namespace

Result<GuestImage> build_guest_image(const GuestImageSpec& spec) {
    UNDERSTUDY_CHECK(check(spec));
    UNDERSTUDY_TRY(const ImageCache cache, ImageCache::open(spec.cache_dir));
    const fs::path note = cache.path("stamps", stamps_name(spec));
    if (const auto keys = noted_keys(note)) {
        cache.use(note);
        GuestImage image = image_of(spec, cache, *keys);
        if (image.from_cache) return image;
    }
    UNDERSTUDY_TRY(Parts parts, read_parts(spec));
    ContentHash kernel_hash;
    kernel_hash.add(format_version);
    kernel_hash.add(parts.bzimage);
    const Keys keys{kernel_hash.finish(), hash_of(spec, parts)};
    const std::string stamps = to_text(keys, parts.stamps);
    GuestImage image = image_of(spec, cache, keys);
    if (!fs::exists(image.kernel))
        UNDERSTUDY_CHECK(write_file_atomically(image.kernel, make_kernel(std::move(parts.bzimage))));
    if (!fs::exists(image.initrd) || !fs::exists(image.disk)) {
        UNDERSTUDY_TRY(const auto on_disk, files_on_disk(spec, parts));
        UNDERSTUDY_TRY(const std::string initrd, make_initrd(spec, parts, on_disk));
        UNDERSTUDY_CHECK(write_erofs(on_disk, image.disk));
        UNDERSTUDY_CHECK(write_file_atomically(image.initrd, initrd));
    }
    UNDERSTUDY_CHECK(write_file_atomically(note, stamps));
    if (!image.from_cache) cache.prune();
    return image;
}

}  // namespace understudy::vmctl
