// SPDX-License-Identifier: Apache-2.0
// The PROXY header as a backend would read it. Beside memory errors: a header that is whole is one for every
// longer input and asked for more at every shorter one, and what it says is what the writer would write.
#include "lb/core/proxy_header.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace understudy::lb;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span<const std::uint8_t> input(data, size);
    const auto parsed = parse_proxy_header(input);
    if (parsed.has_error()) {
        if (parsed.error().message().empty()) std::abort();
        return 0;
    }
    if (!parsed->has_value()) {
        if (size >= longest_proxy_header) std::abort();  // it would be waited for without end
        return 0;
    }
    const ProxyHeader& header = **parsed;
    if (header.bytes > size || header.bytes > longest_proxy_header) std::abort();
    for (std::size_t shorter = 0; shorter < header.bytes; ++shorter) {
        const auto before = parse_proxy_header(input.first(shorter));
        if (before.has_error() || before->has_value()) std::abort();
    }
    if (header.local) return 0;
    const auto written = write_proxy_header(header.source, header.destination);
    if (!std::equal(written.begin() + 16, written.end(), data + 16)) std::abort();
    return 0;
}
