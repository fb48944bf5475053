// SPDX-License-Identifier: Apache-2.0
// Topologies for tests of the reader: the files of topologies/, the guide's with a change, and what is said
// of a mistake.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "sim/topology/reader.hpp"
#include "tests/support/content_of.hpp"
#include "tests/support/paths.hpp"

namespace understudy::topology {

inline std::string topologies() {
    return test::source_directory() / "topologies";
}

// The guide's topology with one piece of its text replaced, as if it lay beside the original.
inline Result<Topology> guide_with(const std::string& piece, const std::string& replacement) {
    const std::string path = topologies() + "/corda-ha.yaml";
    std::string text = test::content_of(path);
    const std::size_t at = text.find(piece);
    EXPECT_NE(at, std::string::npos) << piece;
    if (at != std::string::npos) text.replace(at, piece.size(), replacement);
    return parse_topology(text, path);
}

inline std::string refusal(const Result<Topology>& result) {
    if (result.has_value()) return "accepted";
    EXPECT_EQ(result.error().kind, ErrorKind::bad_input);
    return result.error().message();
}

}  // namespace understudy::topology
