// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "storage/files/io/share_key.hpp"
#include "storage/files/mount/link.hpp"

namespace understudy::files {
namespace asio = boost::asio;

namespace {
constexpr std::uint32_t proof_fid = no_fid - 2;  // beyond those that are counted up to
}

asio::awaitable<std::optional<std::uint32_t>> Link::prove_key(std::string user) {
    if (options_.key.empty()) co_return no_fid;
    Body auth_request = Tauth{proof_fid, user, options_.share, no_user};
    Answer asked = co_await control(std::move(auth_request));
    if (asked.error == EOPNOTSUPP) co_return no_fid;  // the server asks for none
    if (stream_ == nullptr) co_return std::nullopt;
    if (asked.error != 0) {
        refused(fmt::format("Tauth: {}", std::strerror(asked.error)));
        co_return std::nullopt;
    }
    Body read_request = Tread{proof_fid, 0, nonce_bytes};
    Answer read = co_await control(std::move(read_request));
    const auto* nonce = std::get_if<Rread>(&read.body);
    if (nonce == nullptr || nonce->data.value.size() != nonce_bytes) {
        if (stream_ != nullptr) refused("its question for the share's key has another form");
        co_return std::nullopt;
    }
    Body proof_request =
        Twrite{proof_fid, 0, {attach_proof(options_.key, nonce->data.value, user, options_.share)}};
    Answer proved = co_await control(std::move(proof_request));
    if (proved.error == 0) co_return proof_fid;
    if (stream_ != nullptr) refused("it doesn't take this key of the share");
    co_return std::nullopt;
}

}  // namespace understudy::files
