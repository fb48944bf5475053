// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/modules.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "vmctl/image/decompress.hpp"
#include "vmctl/image/files.hpp"

namespace understudy::vmctl {
namespace fs = std::filesystem;
namespace {

using namespace std::string_view_literals;

constexpr std::string_view signature_mark = "~Module signature appended~\n";
constexpr std::size_t signature_header_bytes = 12;  // its last four are the signature's length, big-endian

// "kernel/drivers/char/hw_random/virtio-rng.ko.xz" is virtio_rng; empty when it is no module's file.
std::string module_name(const fs::path& path) {
    std::string name = path.filename().string();
    const std::size_t end = name.find(".ko");
    if (end == std::string::npos) return {};
    const std::string rest = name.substr(end + 3);
    if (rest != "" && rest != ".xz" && rest != ".zst") return {};
    name.resize(end);
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

class ModuleTree {
  public:
    ModuleTree(const KernelSource& kernel, FileStamps* stamps) : version_(kernel.version), stamps_(stamps) {
        std::error_code error;
        for (auto at = fs::recursive_directory_iterator(kernel.modules / "kernel", error);
             !error && at != fs::recursive_directory_iterator(); at.increment(error))
            if (std::string name = module_name(at->path()); !name.empty()) files_[name] = at->path();
        std::ifstream built_in(kernel.modules / "modules.builtin");
        for (std::string line; std::getline(built_in, line);) built_in_.insert(module_name(line));
    }

    // Depth first: what a module needs comes before it. A cycle can't be inserted, and ends here.
    Result<void> collect(std::string name, const std::string& needed_by, std::vector<KernelModule>& order) {
        std::replace(name.begin(), name.end(), '-', '_');
        if (built_in_.contains(name) || !visited_.insert(name).second) return {};
        const auto file = files_.find(name);
        if (file == files_.end())
            return Error(
                ErrorKind::environment, "kernel " + version_,
                "has no module " + name + (needed_by.empty() ? "" : ", which " + needed_by + " needs"));
        if (stamps_ != nullptr) stamps_->add(file->second);
        UNDERSTUDY_TRY(std::string content, read_whole_file(file->second));
        if (file->second.extension() != ".ko") {
            UNDERSTUDY_TRY(content, decompress(content, file->second.string()));
        }
        for (const std::string& dependency : module_dependencies(content))
            UNDERSTUDY_CHECK(collect(dependency, name, order));
        order.push_back({name, lighten_module(std::move(content))});
        return {};
    }

  private:
    std::string version_;
    FileStamps* stamps_;
    std::map<std::string, fs::path> files_;
    std::set<std::string> built_in_;
    std::set<std::string> visited_;
};

}  // namespace

Result<std::vector<KernelModule>> collect_modules(const KernelSource& kernel,
                                                  const std::vector<std::string>& wanted,
                                                  FileStamps* stamps) {
    ModuleTree tree(kernel, stamps);
    std::vector<KernelModule> order;
    for (const std::string& name : wanted) UNDERSTUDY_CHECK(tree.collect(name, "", order));
    return order;
}

std::vector<std::string> module_dependencies(std::string_view module) {
    constexpr std::string_view key = "\0depends="sv;
    std::vector<std::string> names;
    const std::size_t at = module.find(key);
    if (at == std::string_view::npos) return names;
    std::string_view list = module.substr(at + key.size());
    list = list.substr(0, list.find('\0'));
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        if (comma != 0) names.emplace_back(list.substr(0, comma));
        list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    }
    return names;
}

std::string lighten_module(std::string module) {
    if (module.ends_with(signature_mark) && module.size() > signature_mark.size() + signature_header_bytes) {
        std::size_t length = 0;
        for (std::size_t i = 4; i > 0; --i)
            length =
                length << 8 | static_cast<unsigned char>(module[module.size() - signature_mark.size() - i]);
        const std::size_t tail = signature_mark.size() + signature_header_bytes + length;
        if (tail < module.size()) module.resize(module.size() - tail);
    }
    constexpr std::string_view section = "\0.BTF\0"sv;
    const std::size_t name = module.rfind(section);
    if (name != std::string::npos) module.replace(name, section.size(), "\0.btf\0"sv);
    return module;
}

}  // namespace understudy::vmctl
