// SPDX-License-Identifier: Apache-2.0
// Boost.JSON under a short name. Its implementation is compiled once, in json.cpp.
#pragma once

#include <boost/json.hpp>

namespace understudy {
namespace json = boost::json;
}
