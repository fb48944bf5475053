// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"

#include <boost/json/src.hpp>
