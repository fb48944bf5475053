// SPDX-License-Identifier: Apache-2.0
#include "lb/passthrough/counters.hpp"

#include "base/json.hpp"

namespace understudy::lb {

Result<NftCounters> read_counters(std::string_view document) {
    const Error odd(ErrorKind::failed, "nftables counters", "not the document that libnftables describes");
    boost::system::error_code failed;
    const json::value root = json::parse(document, failed);
    if (failed || !root.is_object()) return odd;
    const json::value* list = root.as_object().if_contains("nftables");
    if (list == nullptr || !list->is_array()) return odd;
    NftCounters counters;
    for (const json::value& item : list->as_array()) {
        if (!item.is_object()) return odd;
        const json::value* counter = item.as_object().if_contains("counter");
        if (counter == nullptr) continue;
        if (!counter->is_object()) return odd;
        const json::object& fields = counter->as_object();
        const json::value* name = fields.if_contains("name");
        const json::value* packets = fields.if_contains("packets");
        const json::value* bytes = fields.if_contains("bytes");
        if (name == nullptr || packets == nullptr || bytes == nullptr || !name->is_string() ||
            !packets->is_number() || !bytes->is_number())
            return odd;
        counters[std::string(name->as_string())] = {packets->to_number<std::uint64_t>(),
                                                    bytes->to_number<std::uint64_t>()};
    }
    return counters;
}

}  // namespace understudy::lb
