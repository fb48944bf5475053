// SPDX-License-Identifier: Apache-2.0
#include "lb/core/distribution.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.hpp"

namespace understudy::lb {
namespace {

std::vector<Candidate> pool_of(std::size_t size) {
    std::vector<Candidate> pool;
    for (std::size_t i = 0; i < size; ++i) pool.push_back({i, identity_of(fmt::format("host-{}", i))});
    return pool;
}

FlowKey drawn_flow(Random& random) {
    return {{{static_cast<std::uint32_t>(random.next())}, static_cast<std::uint16_t>(random.next())},
            {{0xcb00710a}, 10010}};
}

TEST(Distribution, an_empty_pool_takes_no_flow) {
    EXPECT_FALSE(choose({}, {}, {}));
    const auto pool = pool_of(1);
    const std::vector<std::size_t> excluded{0};
    EXPECT_FALSE(choose({}, pool, excluded));
}

TEST(Distribution, flows_spread_evenly_even_from_one_client) {
    const auto pool = pool_of(4);
    std::vector<int> taken(4);
    for (std::uint16_t port = 1024; port < 1024 + 20'000; ++port)
        ++taken[*choose({{{0xc6336407}, port}, {{0xcb00710a}, 10010}}, pool, {})];
    for (const int count : taken) EXPECT_NEAR(count, 5000, 400);
}

TEST(Distribution, order_of_the_pool_is_without_effect) {
    Random random(7);
    auto pool = pool_of(8);
    auto reversed = pool;
    std::reverse(reversed.begin(), reversed.end());
    for (int i = 0; i < 2000; ++i) {
        const FlowKey flow = drawn_flow(random);
        ASSERT_EQ(choose(flow, pool, {}), choose(flow, reversed, {}));
    }
}

TEST(Distribution, a_leaving_backend_moves_only_its_own_flows) {
    for (const std::size_t size : {2U, 3U, 8U, 64U}) {
        Random random(size);
        const auto pool = pool_of(size);
        auto smaller = pool;
        smaller.erase(smaller.begin() + static_cast<std::ptrdiff_t>(size / 2));
        int moved = 0;
        constexpr int flows = 6400;
        for (int i = 0; i < flows; ++i) {
            const FlowKey flow = drawn_flow(random);
            const auto before = choose(flow, pool, {});
            const auto after = choose(flow, smaller, {});
            if (before == size / 2) {
                ++moved;
                continue;
            }
            ASSERT_EQ(before, after);
        }
        EXPECT_NEAR(moved, flows / static_cast<int>(size), flows / static_cast<int>(size) / 2)
            << "pool of " << size;
    }
}

TEST(Distribution, a_leaving_backend_gives_up_only_its_own_buckets) {
    EXPECT_TRUE(bucket_table({}).empty());
    for (const std::size_t size : {2U, 3U, 8U, 64U}) {
        const auto pool = pool_of(size);
        auto smaller = pool;
        smaller.pop_back();
        const auto before = bucket_table(pool);
        const auto after = bucket_table(smaller);
        ASSERT_EQ(before.size(), bucket_count);
        ASSERT_EQ(after.size(), bucket_count);
        int moved = 0;
        for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
            if (before[bucket] == size - 1)
                ++moved;
            else
                ASSERT_EQ(before[bucket], after[bucket]);
        }
        const int share = static_cast<int>(bucket_count / size);
        EXPECT_NEAR(moved, share, share / 2) << "pool of " << size;
    }
}

TEST(Distribution, excluding_a_backend_is_as_if_it_had_left) {
    Random random(11);
    const auto pool = pool_of(5);
    for (int i = 0; i < 1000; ++i) {
        const FlowKey flow = drawn_flow(random);
        const std::vector<std::size_t> excluded{*choose(flow, pool, {})};
        auto smaller = pool;
        smaller.erase(smaller.begin() + static_cast<std::ptrdiff_t>(excluded[0]));
        ASSERT_EQ(choose(flow, pool, excluded), choose(flow, smaller, {}));
    }
}

}  // namespace
}  // namespace understudy::lb
