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
    for (const int count : taken) EXPECT_NEAR(count, 5000, 700);
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

// The share that has to move is that of the backend that goes, or that comes; the tolerance is the unevenness
// of 1024 buckets.
TEST(Distribution, a_change_of_one_backend_moves_its_own_share_of_flows_and_no_other) {
    constexpr int flows = 6400;
    for (std::size_t size = 2; size <= 64; ++size) {
        SCOPED_TRACE(size);
        Random random(size);
        const auto pool = pool_of(size);
        auto smaller = pool;
        smaller.erase(smaller.begin() + static_cast<std::ptrdiff_t>(size / 2));
        auto larger = pool;
        larger.push_back({size, identity_of("another")});
        const auto before = bucket_table(pool);
        const auto without = bucket_table(smaller);
        const auto with = bucket_table(larger);
        int lost = 0, won = 0;
        for (int i = 0; i < flows; ++i) {
            const auto bucket = hash_of(drawn_flow(random), Distribution::five_tuple) % bucket_count;
            if (before[bucket] == size / 2)
                ++lost;
            else
                ASSERT_EQ(before[bucket], without[bucket]);
            if (with[bucket] == size)
                ++won;
            else
                ASSERT_EQ(before[bucket], with[bucket]);
        }
        const double share = 1.0 / static_cast<double>(size);
        const double tolerance = flows * (share * 0.6 + 0.008);
        EXPECT_NEAR(lost, flows * share, tolerance);
        EXPECT_NEAR(won, flows / (static_cast<double>(size) + 1), tolerance);
    }
}

TEST(Distribution, a_mode_looks_at_its_fields_and_no_others) {
    const FlowKey flow{{{0xc6336407}, 40000}, {{0xcb00710a}, 10010}, 6};
    FlowKey other_port = flow, other_frontend_port = flow, other_protocol = flow, other_client = flow,
            other_frontend = flow;
    ++other_port.client.port;
    ++other_frontend_port.frontend.port;
    other_protocol.protocol = 17;
    ++other_client.client.address.bits;
    ++other_frontend.frontend.address.bits;
    for (const Distribution mode :
         {Distribution::five_tuple, Distribution::source_ip, Distribution::source_ip_protocol}) {
        const bool ports = mode == Distribution::five_tuple;
        const bool protocol = mode != Distribution::source_ip;
        EXPECT_EQ(hash_of(flow, mode) != hash_of(other_port, mode), ports);
        EXPECT_EQ(hash_of(flow, mode) != hash_of(other_frontend_port, mode), ports);
        EXPECT_EQ(hash_of(flow, mode) != hash_of(other_protocol, mode), protocol);
        EXPECT_NE(hash_of(flow, mode), hash_of(other_client, mode));
        EXPECT_NE(hash_of(flow, mode), hash_of(other_frontend, mode));
    }
}

TEST(Distribution, a_flow_goes_where_the_table_of_buckets_says) {
    Random random(13);
    const auto pool = pool_of(5);
    const auto table = bucket_table(pool);
    for (const Distribution mode :
         {Distribution::five_tuple, Distribution::source_ip, Distribution::source_ip_protocol}) {
        for (int i = 0; i < 500; ++i) {
            const FlowKey flow = drawn_flow(random);
            ASSERT_EQ(choose(flow, pool, {}, mode), table[hash_of(flow, mode) % bucket_count]);
        }
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
