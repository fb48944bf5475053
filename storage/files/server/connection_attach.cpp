// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/io/clock.hpp"
#include "storage/files/io/share_key.hpp"
#include "storage/files/server/connection.hpp"

namespace understudy::files {
namespace asio = boost::asio;

namespace {
constexpr std::size_t max_proofs = 4;  // at once
constexpr std::uint32_t max_wrong_proofs_per_connection = 3;
}  // namespace

Body Connection::version(const Tversion& request) {
    while (!fids_.empty()) forget(fids_.begin()->first);
    proofs_.clear();
    if (request.message_bytes < min_message_bytes) return failure(EMSGSIZE);
    message_bytes_ = std::min(request.message_bytes, max_message_bytes);
    version_agreed_ = request.version == "9P2000.L";
    return Rversion{message_bytes_, version_agreed_ ? "9P2000.L" : "unknown"};
}

asio::awaitable<Body> Connection::attach(Tattach request) {
    std::optional<ClientName> name = parse_client_name(request.user);
    ExportedShare* share = host_.find_share(request.share);
    if (!name || share == nullptr) {
        spdlog::warn("{}: attach to \"{}\" as \"{}\" refused: no such {}", to_string(peer_), request.share,
                     request.user, share == nullptr ? "export" : "client name");
        co_return failure(share == nullptr ? ENOENT : EINVAL);
    }
    while (stream_->is_open() && share->faults->is_cut_off(name->client)) co_await healed();
    if (std::optional<Body> refused = refuse_address(*share, request.share, request.user))
        co_return std::move(*refused);
    if (!share->key.empty() && !has_proof(request))
        co_return refuse_attach(request.share, request.user, "it didn't prove that it has the share's key");
    if (is_taken(request.fid)) co_return failure(EINVAL);
    if (share_ != nullptr && (share_ != share || user_ != request.user)) co_return failure(EPERM);
    if (share_ == nullptr) {
        AttachOutcome outcome = share->sessions->attach(*name);
        if (const auto* refused = std::get_if<AttachRefused>(&outcome)) {
            spdlog::info("{}: attach as {} refused: {}", to_string(peer_), request.user, refused->reason);
            co_return failure(refused->stale ? ESTALE : EUSERS);
        }
        share_ = share;
        session_ = std::get<Attached>(outcome).session;
        user_ = request.user;
        client_ = name->client;
        gate_ = share->sessions->gate(session_);
        resumed_ = name->resume;
        leased_ = !name->incarnation.empty();
        co_await host_.become_the_only_one(*this);
        if (!stream_->is_open()) co_return failure(ESTALE);
    }
    auto root = std::make_shared<HostFile>();
    Body reply = attach_root(share->share, *root);
    if (std::holds_alternative<Rattach>(reply)) add(request.fid, std::move(root), new_strand());
    co_return reply;
}

Body Connection::refuse_attach(const std::string& share, const std::string& user, const std::string& reason) {
    host_.attach_refused(share, user, peer_, reason);
    return failure(EACCES);
}

std::optional<Body> Connection::refuse_address(const ExportedShare& share, const std::string& name,
                                               const std::string& user) {
    const auto& allowed = share.clients;
    if (allowed.empty() || std::any_of(allowed.begin(), allowed.end(), [&](const Ipv4Network& network) {
            return network.contains(peer_.address);
        }))
        return std::nullopt;
    return refuse_attach(name, user, "its address is none of the allowed clients");
}

asio::awaitable<Body> Connection::auth(Tauth request) {
    ExportedShare* share = host_.find_share(request.share);
    const std::optional<ClientName> name = parse_client_name(request.user);
    if (share == nullptr || share->key.empty()) co_return failure(EOPNOTSUPP);  // none is required
    if (!name || is_taken(request.fid)) co_return failure(EINVAL);
    while (stream_->is_open() && share->faults->is_cut_off(name->client)) co_await healed();
    if (std::optional<Body> refused = refuse_address(*share, request.share, request.user))
        co_return std::move(*refused);
    if (wrong_proofs_ >= max_wrong_proofs_per_connection) {
        close();
        co_return failure(EACCES);
    }
    if (!host_.attempts().may_try(peer_.address, io::monotonic_now()))
        co_return refuse_attach(request.share, request.user, "too many wrong proofs from its address");
    if (proofs_.size() >= max_proofs) co_return failure(EMFILE);
    proofs_[request.fid] = {fresh_nonce(), request.user, request.share, false};
    co_return Rauth{};
}

std::optional<Body> Connection::prove(const Body& request) {
    if (proofs_.empty()) return std::nullopt;
    if (const auto* it = std::get_if<Tclunk>(&request))
        return proofs_.erase(it->fid) == 1 ? std::optional<Body>(Rclunk{}) : std::nullopt;
    if (const auto* it = std::get_if<Tread>(&request)) {
        const auto found = proofs_.find(it->fid);
        if (found == proofs_.end()) return std::nullopt;
        Rread reply;
        if (it->offset < nonce_bytes) reply.data.value = found->second.nonce.substr(it->offset, it->count);
        return reply;
    }
    const auto* it = std::get_if<Twrite>(&request);
    if (it == nullptr) return std::nullopt;
    const auto found = proofs_.find(it->fid);
    if (found == proofs_.end()) return std::nullopt;
    Proof& proof = found->second;
    ExportedShare* share = host_.find_share(proof.share);
    if (it->offset == 0 && share != nullptr && !proof.given &&
        same_proof(it->data.value, attach_proof(share->key, proof.nonce, proof.user, proof.share))) {
        proof.given = true;
        return Rwrite{static_cast<std::uint32_t>(it->data.value.size())};
    }
    host_.attempts().wrong(peer_.address, io::monotonic_now());
    Body refused = refuse_attach(proof.share, proof.user, "the proof of its key is wrong");
    proofs_.erase(found);  // a nonce is tried once
    ++wrong_proofs_;
    return refused;
}

bool Connection::has_proof(const Tattach& request) const {
    const auto found = proofs_.find(request.auth_fid);
    return found != proofs_.end() && found->second.given && found->second.user == request.user &&
           found->second.share == request.share;
}

}  // namespace understudy::files
