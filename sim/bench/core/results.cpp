// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/core/results.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.hpp"
#include "base/json.hpp"

namespace understudy::bench {
namespace {

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else
            out += c;
    }
    return out;
}

// Figures by line and column, both in the order in which they were first seen.
class Grid {
  public:
    void set(const std::string& line, const std::string& column, double value) {
        for (auto [names, name] : {std::pair{&lines_, &line}, {&columns_, &column}})
            if (std::find(names->begin(), names->end(), *name) == names->end()) names->push_back(*name);
        values_[{line, column}] = fmt::format("{:.2f}", value);
    }
    std::string text(const std::string& title) const {
        std::size_t first = title.size();
        for (const std::string& line : lines_) first = std::max(first, line.size());
        std::string text = fmt::format("  {:<{}}", title, first);
        for (const std::string& column : columns_) text += fmt::format(" {:>{}}", column, width(column));
        text += "\n";
        for (const std::string& line : lines_) {
            text += fmt::format("  {:<{}}", line, first);
            for (const std::string& column : columns_) {
                const auto found = values_.find({line, column});
                text += fmt::format(" {:>{}}", found == values_.end() ? "-" : found->second, width(column));
            }
            text += "\n";
        }
        return text;
    }

  private:
    static std::size_t width(const std::string& column) { return std::max<std::size_t>(column.size(), 11); }

    std::vector<std::string> lines_, columns_;
    std::map<std::pair<std::string, std::string>, std::string> values_;
};

}  // namespace

double median(std::vector<double> values) {
    UNDERSTUDY_ASSERT(!values.empty(), "a median needs a value");
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string to_json(const Results& results) {
    json::array rows;
    for (const Row& row : results.rows)
        rows.push_back(json::object{
            {"case", row.name}, {"metric", row.metric}, {"median", row.median}, {"unit", row.unit}});
    json::object ratios;
    for (const auto& [name, ratio] : results.ratios) ratios[name] = ratio;
    return json::serialize(json::object{{"rows", std::move(rows)}, {"ratios", std::move(ratios)}}) + "\n";
}

std::string to_table(const Results& results) {
    std::string text;
    for (const Row& row : results.rows)
        text += fmt::format("  {:<28} {:<28} {:>10.2f} {}\n", row.name, row.metric, row.median, row.unit);
    text += "\n";
    for (const auto& [name, ratio] : results.ratios) text += fmt::format("  {:<57} {:>10.2f}\n", name, ratio);
    return text;
}

std::string to_side_by_side(const Results& results) {
    Grid medians, ratios;
    for (const Row& row : results.rows)
        medians.set(fmt::format("{} ({})", row.metric, row.unit), row.name, row.median);
    for (const auto& [name, ratio] : results.ratios) {
        const std::size_t space = std::min(name.find(' '), name.size() - 1);
        ratios.set(name.substr(space + 1), name.substr(0, space), ratio);
    }
    const std::string text = medians.text("median");
    return results.ratios.empty() ? text : text + "\n" + ratios.text("ratio, above 1: ours is better");
}

std::string to_svg(const Results& results, const std::string& title) {
    constexpr int width = 760, label = 250, bar_height = 18, step = 26;
    std::string body;
    int y = 50;
    std::string metric;
    for (const Row& row : results.rows) {
        if (row.metric != metric) {
            metric = row.metric;
            y += 16;
            body += fmt::format("<text x='10' y='{}' font-weight='bold'>{} ({})</text>\n", y, escaped(metric),
                                escaped(row.unit));
            y += 12;
        }
        double largest = 0;
        for (const Row& other : results.rows)
            if (other.metric == metric) largest = std::max(largest, other.median);
        const double length = largest > 0 ? row.median / largest * (width - label - 90) : 0;
        body += fmt::format("<text x='{}' y='{}' text-anchor='end'>{}</text>", label - 8, y + 14,
                            escaped(row.name));
        body += fmt::format("<rect x='{}' y='{}' width='{:.1f}' height='{}' fill='#3b6ea5'/>", label, y,
                            length, bar_height);
        body +=
            fmt::format("<text x='{:.1f}' y='{}'>{:.2f}</text>\n", label + length + 6, y + 14, row.median);
        y += step;
    }
    return fmt::format(
        "<svg xmlns='http://www.w3.org/2000/svg' width='{0}' height='{1}' viewBox='0 0 {0} {1}' "
        "font-family='sans-serif' "
        "font-size='13'>\n<rect width='100%' height='100%' fill='white'/>\n<text x='10' y='28' "
        "font-size='17'>{2}</text>\n{3}</svg>\n",
        width, y + 16, escaped(title), body);
}

}  // namespace understudy::bench
