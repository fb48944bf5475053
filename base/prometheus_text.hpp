// SPDX-License-Identifier: Apache-2.0
// Prometheus' text format, version 0.0.4. Rule:
// https://prometheus.io/docs/instrumenting/exposition_formats/.
#pragma once

#include <cstdint>
#include <string>

namespace understudy {

constexpr const char* prometheus_content_type = "text/plain; version=0.0.4";

// One metric with its samples: the lines that Prometheus wants before them, once.
class PrometheusMetric {
  public:
    PrometheusMetric(std::string& out, std::string name, const char* type, const char* help);

    // `labels` is what stands between the braces; values that people chose go through escaped().
    void sample(const std::string& labels, std::uint64_t value) { sample("", labels, value); }
    // Of a histogram: `suffix` is "_bucket", "_sum" or "_count".
    void sample(const char* suffix, const std::string& labels, std::uint64_t value);
    void sample(const char* suffix, const std::string& labels, double value);

  private:
    std::string& out_;
    std::string name_;
};

std::string prometheus_escaped(const std::string& label_value);

}  // namespace understudy
