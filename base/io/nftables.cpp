// SPDX-License-Identifier: Apache-2.0
#include "base/io/nftables.hpp"

#include <nftables/libnftables.h>

#include <algorithm>
#include <cerrno>

namespace understudy::io {

void Nftables::Close::operator()(nft_ctx* context) const {
    nft_ctx_free(context);
}

Result<Nftables> Nftables::open() {
    Nftables nftables(nft_ctx_new(NFT_CTX_DEFAULT));
    if (!nftables.context_) return Error(ErrorKind::environment, "nftables", "cannot be initialised");
    nft_ctx_buffer_output(nftables.context_.get());
    nft_ctx_buffer_error(nftables.context_.get());
    // Names are looked up nowhere: a rule's text is numbers only.
    nft_ctx_output_set_flags(nftables.context_.get(), NFT_CTX_OUTPUT_NUMERIC_ALL);
    return nftables;
}

Result<std::string> Nftables::run(const std::string& commands) {
    errno = 0;
    if (nft_run_cmd_from_buffer(context_.get(), commands.c_str()) == 0) {
        std::string output = nft_ctx_get_output_buffer(context_.get());
        nft_ctx_get_error_buffer(context_.get());
        return output;
    }
    const int failed = errno;
    std::string reason = nft_ctx_get_error_buffer(context_.get());
    nft_ctx_get_output_buffer(context_.get());
    while (!reason.empty() && reason.back() == '\n') reason.pop_back();
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    Error error(ErrorKind::failed, "nftables", reason.empty() ? "refused" : reason);
    if (failed == EPERM || failed == EOPNOTSUPP || failed == EPROTONOSUPPORT) {
        error.kind = ErrorKind::environment;
        error.remedy = "load the kernel's nf_tables module: sudo modprobe nf_tables";
    }
    return error;
}

Result<std::string> Nftables::run_for_json(const std::string& commands) {
    const unsigned flags = nft_ctx_output_get_flags(context_.get());
    nft_ctx_output_set_flags(context_.get(), flags | NFT_CTX_OUTPUT_JSON);
    Result<std::string> output = run(commands);
    nft_ctx_output_set_flags(context_.get(), flags);
    return output;
}

}  // namespace understudy::io
