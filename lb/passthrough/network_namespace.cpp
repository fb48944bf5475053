// SPDX-License-Identifier: Apache-2.0
#include "lb/passthrough/network_namespace.hpp"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <thread>

#include "base/io/unique_fd.hpp"

namespace understudy::lb {

Result<void> in_network_namespace(const std::string& path, const std::function<Result<void>()>& work) {
    if (path.empty()) return work();
    const io::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid())
        return system_error("network namespace " + path, errno, ErrorKind::bad_input)
            .with_remedy("name a file that `ip netns` or the fabric has made");
    Result<void> done;
    std::thread([&file, &path, &work, &done] {
        if (::setns(file.get(), CLONE_NEWNET) == 0) {
            done = work();
            return;
        }
        const int failed = errno;
        done = system_error("network namespace " + path, failed, ErrorKind::environment)
                   .with_remedy("give this process CAP_SYS_ADMIN and CAP_NET_ADMIN, or data_path: proxy");
    }).join();
    return done;
}

}  // namespace understudy::lb
