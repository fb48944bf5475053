// SPDX-License-Identifier: Apache-2.0
// The data path that the configuration asks for. Error kind bad_input: this program has none of that kind.
// The observer outlives it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "base/result.hpp"
#include "lb/config.hpp"
#include "lb/data_path.hpp"

namespace understudy::lb {

Result<std::unique_ptr<DataPath>> make_data_path(const Config& config, boost::asio::any_io_executor executor,
                                                 DataPathObserver& observer);

}  // namespace understudy::lb
