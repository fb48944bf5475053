// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/peers.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace understudy::bench {

Result<std::string> root_of_peers(const std::string& unpacked, const std::vector<std::string>& files,
                                  const std::string& packages, const std::string& remedy) {
    for (const std::string& root : {unpacked, std::string()})
        if (std::all_of(files.begin(), files.end(),
                        [&](const std::string& file) { return ::access((root + file).c_str(), R_OK) == 0; }))
            return root;
    return Error(ErrorKind::environment, packages, fmt::format("are neither in {} nor installed", unpacked))
        .with_remedy(remedy);
}

std::string libraries_of_peers(const std::string& root) {
    return root.empty() ? "" : root + "/usr/lib/x86_64-linux-gnu";
}

Result<std::string> write_file(const std::string& path, const std::string& text) {
    std::ofstream file(path);
    file << text;
    file.close();
    if (!file) return Error(ErrorKind::failed, path, "cannot be written");
    return path;
}

std::string last_line(const std::string& log) {
    std::ifstream file(log);
    std::string line, last = "said nothing";
    while (std::getline(file, line))
        if (!line.empty()) last = line;
    return last;
}

}  // namespace understudy::bench
