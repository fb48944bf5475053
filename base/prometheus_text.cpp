// SPDX-License-Identifier: Apache-2.0
#include "base/prometheus_text.hpp"

#include <fmt/format.h>

namespace understudy {

PrometheusMetric::PrometheusMetric(std::string& out, std::string name, const char* type, const char* help)
    : out_(out), name_(std::move(name)) {
    out_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name_, help, name_, type);
}

void PrometheusMetric::sample(const char* suffix, const std::string& labels, std::uint64_t value) {
    out_ += fmt::format("{}{}{{{}}} {}\n", name_, suffix, labels, value);
}

void PrometheusMetric::sample(const char* suffix, const std::string& labels, double value) {
    out_ += fmt::format("{}{}{{{}}} {}\n", name_, suffix, labels, value);
}

std::string prometheus_escaped(const std::string& label_value) {
    std::string text;
    for (const char c : label_value) {
        if (c == '\\' || c == '"') text += '\\';
        if (c == '\n')
            text += "\\n";
        else
            text += c;
    }
    return text;
}

}  // namespace understudy
