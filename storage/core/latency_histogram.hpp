// SPDX-License-Identifier: Apache-2.0
// How long something took, counted in buckets, as Prometheus wants a histogram. One thread.
#pragma once

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include "base/prometheus_text.hpp"
#include "base/time.hpp"

namespace understudy::storage {

// Upper bounds of the buckets, in microseconds; what is above them counts in +Inf only.
constexpr std::array<std::uint64_t, 11> latency_bounds_us = {50,    100,   250,    500,     1000,    2500,
                                                             10000, 50000, 250000, 1000000, 10000000};

class LatencyHistogram {
  public:
    void count(Duration took) {
        std::size_t bucket = 0;
        const auto microseconds =
            static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
        while (bucket < latency_bounds_us.size() && microseconds > latency_bounds_us[bucket]) ++bucket;
        ++buckets_[bucket];
        ++counted_;
        total_ += took;
    }
    std::uint64_t counted() const { return counted_; }

    // `labels` as in PrometheusMetric::sample().
    void append_to(PrometheusMetric& metric, const std::string& labels) const {
        const std::string lead = labels.empty() ? "" : labels + ",";
        std::uint64_t below = 0;
        for (std::size_t bucket = 0; bucket < latency_bounds_us.size(); ++bucket) {
            below += buckets_[bucket];
            const double bound_s = static_cast<double>(latency_bounds_us[bucket]) / 1e6;
            metric.sample("_bucket", fmt::format("{}le=\"{}\"", lead, bound_s), below);
        }
        metric.sample("_bucket", lead + "le=\"+Inf\"", counted_);
        metric.sample("_sum", labels, std::chrono::duration<double>(total_).count());
        metric.sample("_count", labels, counted_);
    }

  private:
    std::array<std::uint64_t, latency_bounds_us.size() + 1> buckets_{};
    std::uint64_t counted_ = 0;
    Duration total_{0};
};

}  // namespace understudy::storage
