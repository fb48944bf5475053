// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/erofs.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "vmctl/image/subprocess.hpp"

namespace understudy::vmctl {
namespace fs = std::filesystem;
namespace {

constexpr Duration limit = 60s;

class ScratchFolder {
  public:
    explicit ScratchFolder(const fs::path& beside)
        : path_((beside.parent_path() / ("tmp-" + beside.filename().string() + "-XXXXXX")).string()) {
        made_ = ::mkdtemp(path_.data()) != nullptr;
    }
    ~ScratchFolder() {
        std::error_code ignored;
        if (made_) fs::remove_all(path_, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    bool made() const { return made_; }
    fs::path path() const { return path_; }

  private:
    std::string path_;
    bool made_ = false;
};

bool is_beneath_its_root(const fs::path& path) {
    return std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

Result<void> lay_out(const std::map<std::string, std::string>& files, const fs::path& tree) {
    for (const auto& [path, content] : files) {
        if (path.empty() || path.front() == '/' || !is_beneath_its_root(path))
            return Error(ErrorKind::bad_input, "'" + path + "'", "is no path within a file system");
        const fs::path to = tree / path;
        std::error_code error;
        fs::create_directories(to.parent_path(), error);
        if (error) return system_error(to.parent_path().string(), error.value(), ErrorKind::environment);
        std::ofstream file(to, std::ios::binary);
        file << content;
        file.close();
        if (!file || ::chmod(to.c_str(), 0755) != 0)
            return system_error(to.string(), errno, ErrorKind::environment);
    }
    std::error_code error;  // whatever the umask
    fs::permissions(tree, fs::perms(0755), error);
    for (auto at = fs::recursive_directory_iterator(tree, error);
         !error && at != fs::recursive_directory_iterator(); at.increment(error))
        if (at->is_directory()) fs::permissions(at->path(), fs::perms(0755), error);
    if (error) return system_error(tree.string(), error.value(), ErrorKind::environment);
    return {};
}

}  // namespace

Result<fs::path> find_mkfs_erofs() {
    for (const char* path : {"/usr/bin/mkfs.erofs", "/usr/sbin/mkfs.erofs", "/sbin/mkfs.erofs"})
        if (::access(path, X_OK) == 0) return fs::path(path);
    return Error(ErrorKind::environment, "mkfs.erofs", "is not installed")
        .with_remedy("install the package erofs-utils");
}

Result<void> write_erofs(const std::map<std::string, std::string>& files, const fs::path& image) {
    UNDERSTUDY_TRY(const fs::path program, find_mkfs_erofs());
    const ScratchFolder scratch(image);
    if (!scratch.made()) return system_error(image.parent_path().string(), errno, ErrorKind::environment);
    const fs::path tree = scratch.path() / "tree";
    const fs::path made = scratch.path() / "image";
    UNDERSTUDY_CHECK(lay_out(files, tree));
    // No time and no identity of its own: the same bytes each time.
    UNDERSTUDY_TRY(const ProgramResult done,
                   run_program({program.string(), "--quiet", "-T0", "-U00000000-0000-0000-0000-000000000000",
                                "--all-root", "-x-1", made.string(), tree.string()},
                               limit));
    if (done.status != 0)
        return Error(ErrorKind::environment, program.string(),
                     "can't make " + image.string() + ": " + done.output)
            .with_number(done.status);
    if (::chmod(made.c_str(), 0644) != 0 || ::rename(made.c_str(), image.c_str()) != 0)
        return system_error(image.string(), errno, ErrorKind::environment);
    return {};
}

}  // namespace understudy::vmctl
