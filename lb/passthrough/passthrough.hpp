// SPDX-License-Identifier: Apache-2.0
// The data path `passthrough`: the kernel moves the bytes, by one nftables table and connection tracking in
// the network namespace that the configuration names. What the table does is in
// lb/core/passthrough_rules.hpp. The namespace must route between clients and backends, in both directions,
// and the way to the frontend must lead through it; the frontend needn't be anybody's address.
//
// What is promised beyond DataPath:
// - A balancer that is killed leaves the routing as it was last. One that starts again takes the table over;
//   flows go on, but those from before lose their idle timeout (the kernel's default applies) and counters
//   begin at 0.
// - Idle timeout of TCP: from the last segment in either direction, while established or half closed. It is
//   noticed at most a tenth of it late. Then a segment without a flow is dropped, or, with tcp_reset, both
//   ends are reset at once (stale_segment.hpp) and again whenever they speak. A FIN without a flow is dropped
//   in any case: the kernel can't tell it from a late one.
// - end_established(): both ends of TCP are reset, as above; at most 60,000 flows of one call, more are
// forgotten.
// - UDP: a flow ends when nothing was sent for the idle timeout. It isn't counted in idle_timeouts.
// - traffic(): `established` is TCP between handshake and the last FIN, and every UDP flow; bytes are those
// of
//   IP packets, headers included; refused_no_backend counts SYNs, so a client that repeats its own counts
//   again. `failed` and refused_over_limit stay 0.
// - What the routing machine itself opens towards the frontend isn't balanced.
//
// Ownership: by whoever made it. Threads: the executor's, one; what is expired is looked for on one of its
// own.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "lb/data_path.hpp"

namespace understudy::lb {

class Passthrough : public DataPath {
  public:
    explicit Passthrough(boost::asio::any_io_executor executor);
    ~Passthrough() override;  // as if killed: the table stays unless close() was called

    // Error kind environment: capabilities (CAP_NET_ADMIN, CAP_NET_RAW, for another namespace CAP_SYS_ADMIN)
    // or kernel modules are missing, or the namespace doesn't forward. bad_input: proxy_protocol.
    Result<void> open(std::shared_ptr<const Config> config, const RoutingTable& table) override;
    Result<void> route(const RoutingTable& table) override;
    Result<void> reconfigure(std::shared_ptr<const Config> config, const RoutingTable& table) override;
    Result<void> end_established(const EndEstablished& what) override;
    Result<Traffic> traffic() override;
    void close() override;

  private:
    class Kernel;
    std::shared_ptr<Kernel> kernel_;  // shared with what waits on the executor
    boost::asio::any_io_executor executor_;
};

}  // namespace understudy::lb
