// SPDX-License-Identifier: Apache-2.0
#include "lb/make_data_path.hpp"

#include <utility>

#include "lb/proxy/proxy.hpp"

namespace understudy::lb {

Result<std::unique_ptr<DataPath>> make_data_path(const Config& config, boost::asio::any_io_executor executor,
                                                 DataPathObserver& observer) {
    if (config.data_path != DataPathKind::proxy)
        return Error(ErrorKind::bad_input, "data_path: passthrough", "is not in this program")
            .with_remedy("set data_path: proxy");
    return std::unique_ptr<DataPath>(std::make_unique<Proxy>(std::move(executor), observer));
}

}  // namespace understudy::lb
