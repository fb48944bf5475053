// SPDX-License-Identifier: Apache-2.0
// What a request is to the faults: which files it names, whether it changes them, how many bytes it moves.
#pragma once

#include <functional>
#include <optional>

#include "storage/files/core/fault_machine.hpp"
#include "storage/files/core/message.hpp"

namespace understudy::files {

bool changes_files(const Body& request);
std::size_t written_bytes(const Body& request);  // of data; 0 for all but Twrite

// `path_of` gives a fid's path, empty where there is none. None: faults don't touch this request (Tversion,
// Tauth, Tattach, Tflush, Tclunk).
std::optional<JudgedRequest> judged_request(const Body& request, std::string client,
                                            const std::function<std::string(std::uint32_t)>& path_of);

}  // namespace understudy::files
