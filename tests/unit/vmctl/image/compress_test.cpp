// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/compress.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "vmctl/image/decompress.hpp"

namespace understudy::vmctl {
namespace {

TEST(Compress, what_was_compressed_reads_back_the_same_over_several_blocks) {
    Random random(7);
    std::string data((9u << 20) + 123, '\0');
    for (std::size_t i = 0; i < data.size(); i += 3) data[i] = static_cast<char>(random.below(4));
    const std::string frame = compress_lz4_legacy(data);
    EXPECT_LT(frame.size(), data.size());
    EXPECT_EQ(frame.substr(0, 4), "\x02\x21\x4c\x18");
    const auto back = decompress(frame, "frame");
    ASSERT_TRUE(back.has_value()) << back.error().message();
    EXPECT_TRUE(*back == data);
}

}  // namespace
}  // namespace understudy::vmctl
