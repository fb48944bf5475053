// SPDX-License-Identifier: Apache-2.0
#include "lb/make_data_path.hpp"

#include <utility>

#include "lb/passthrough/passthrough.hpp"
#include "lb/proxy/proxy.hpp"

namespace understudy::lb {

Result<std::unique_ptr<DataPath>> make_data_path(const Config& config, boost::asio::any_io_executor executor,
                                                 DataPathObserver& observer) {
    // The kernel has no attempts to report: a backend that refuses answers the client itself.
    if (config.data_path == DataPathKind::passthrough)
        return std::unique_ptr<DataPath>(std::make_unique<Passthrough>(std::move(executor)));
    return std::unique_ptr<DataPath>(std::make_unique<Proxy>(std::move(executor), observer));
}

}  // namespace understudy::lb
