// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/cache.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace understudy::vmctl {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kept_of_each_kind = 4;
constexpr std::chrono::hours kept_after_use{1};

}  // namespace

Result<ImageCache> ImageCache::open(const fs::path& directory) {
    std::error_code error;
    fs::create_directories(directory, error);
    if (error) return system_error(directory.string(), error.value(), ErrorKind::environment);
    return ImageCache(fs::absolute(directory));
}

fs::path ImageCache::path(const std::string& kind, const std::string& hash) const {
    return directory_ / (kind + "-" + hash);
}

bool ImageCache::use(const fs::path& file) const {
    std::error_code error;
    if (!fs::is_regular_file(file, error) && !fs::is_directory(file, error)) return false;
    fs::last_write_time(file, fs::file_time_type::clock::now(),
                        error);  // another user's file is used all the same
    return true;
}

void ImageCache::prune() const {
    std::map<std::string, std::vector<std::pair<fs::file_time_type, fs::path>>> by_kind;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory_, error)) {
        const std::string name = entry.path().filename().string();
        const std::string kind = name.substr(0, name.find('-'));
        const auto used = entry.last_write_time(error);
        const bool known = kind == "kernel" || kind == "initrd" || kind == "disk" || kind == "stamps" ||
                           kind == "postgresql";
        if (!error && (known || kind == "tmp")) by_kind[kind].emplace_back(used, entry.path());
    }
    const auto recent = fs::file_time_type::clock::now() - kept_after_use;
    for (auto& [kind, files] : by_kind) {
        std::sort(files.rbegin(), files.rend());
        for (std::size_t i = kind == "tmp" ? 0 : kept_of_each_kind; i < files.size(); ++i)
            if (files[i].first < recent) fs::remove_all(files[i].second, error);
    }
}

}  // namespace understudy::vmctl
