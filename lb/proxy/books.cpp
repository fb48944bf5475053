// SPDX-License-Identifier: Apache-2.0
#include "lb/proxy/books.hpp"

#include <algorithm>

namespace understudy::lb {

std::vector<std::shared_ptr<RuleBook>> open_books(const std::vector<std::shared_ptr<RuleBook>>& before,
                                                  const Plan& plan) {
    std::vector<std::shared_ptr<RuleBook>> books;
    books.reserve(plan.rules.size());
    for (const PlannedRule& rule : plan.rules) {
        const auto same_rule = std::find_if(before.begin(), before.end(), [&](const auto& book) {
            return book->plan.name == rule.name && book->plan.inbound_nat == rule.inbound_nat;
        });
        auto book = same_rule == before.end() ? std::make_shared<RuleBook>() : *same_rule;
        const auto backends_before = std::exchange(book->backends, {});
        book->plan = rule;
        for (const PlannedBackend& backend : plan.backends) {
            const auto same =
                std::find_if(backends_before.begin(), backends_before.end(), [&](const auto& held) {
                    return held->host == backend.host && held->address == backend.address;
                });
            book->backends.push_back(
                same != backends_before.end()
                    ? *same
                    : std::make_shared<BackendBook>(BackendBook{backend.host, backend.address, {}}));
        }
        books.push_back(std::move(book));
    }
    return books;
}

namespace {

void add(FlowCounters& sum, const FlowCounters& counters) {
    sum.total += counters.total;
    sum.established += counters.established;
    sum.failed += counters.failed;
    sum.bytes_to_backend += counters.bytes_to_backend;
    sum.bytes_to_client += counters.bytes_to_client;
}

}  // namespace

void add_to(Traffic& sum, const std::vector<std::shared_ptr<RuleBook>>& books, std::size_t balanced) {
    sum.rules.resize(std::max(sum.rules.size(), balanced));
    for (std::size_t i = 0; i < balanced; ++i) {
        const RuleBook& book = *books[i];
        RuleCounters& rule = sum.rules[i];
        rule.refused_no_backend += book.refused_no_backend;
        rule.refused_over_limit += book.refused_over_limit;
        rule.idle_timeouts += book.idle_timeouts;
        rule.backends.resize(book.backends.size());
        for (std::size_t j = 0; j < book.backends.size(); ++j)
            add(rule.backends[j], book.backends[j]->counters);
    }
    sum.inbound_nat.resize(std::max(sum.inbound_nat.size(), books.size() - balanced));
    // Only the one backend of such a rule has anything in its book.
    for (std::size_t i = balanced; i < books.size(); ++i)
        for (const auto& backend : books[i]->backends) add(sum.inbound_nat[i - balanced], backend->counters);
}

}  // namespace understudy::lb
