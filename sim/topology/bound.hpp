// SPDX-License-Identifier: Apache-2.0
// The worst outage that clients of the highly available node can meet after one fault, from the topology's
// timers and the node's measured start time. A client's outage is the time from the last acknowledged attempt
// before the fault to the first after it.
//
// Names: U update interval, W wait interval, R restart delay, S1 process start to lease attempt, S2 lease to
// open ports (waiting for the journal lock not counted), L client lease of the share, J = 500 ms retry of the
// journal lock, P probe interval, T probe timeout, I = 1/rate and C timeout of a client's attempt, Q = 500 ms
// client's retry.
//
// Derivation for an active that stops at t0 (power-off, pause, kill, cut from the database):
//   Its lease row is stamped at t0 at the latest, so the row can be taken from t0 + W on.
//   The standby tries, is refused, sleeps W, exits, is restarted after R and needs S1 until it tries again.
//   Worst: its attempt falls just before t0 + W, so the next one comes at
//       lease = t0 + W + (W + R + S1) + X,
//   X being how long the database keeps the transaction that the dead active may have left open (its writers
//   take turns): idle_in_transaction_limit(). The share frees the dead holder's locks when its lease ends;
//   the holder renewed it at t0 at the latest, and the server looks every L/4:
//       journal = t0 + L + L/4 + J.
//   The standby waits for the journal only after it has the lease, and opens its ports S2 after having both:
//       ports = max(lease, journal) + S2.
//   A backend is up after one success; a probe that began just before the ports opened must end first. Side
//   by side the dead backend is marked down after n probes, n the threshold, and gets no further attempt:
//       routed = max(ports + P + T, t0 + n (P + T)).
//   The client's attempt begun just before that hangs for C, the next begins max(I, Q) later and,
//   acknowledged, ends within C as well; the last success before t0 lies up to I + C before it:
//       outage = (I + C) + (routed - t0) + C + max(I, Q) + C.
// Loss of the share: the active stops only when it has noticed, so t0 moves by the journal monitor's period
// min(2 s, U), the time until the share is given up max(U, 1 s), and the exit limit of 2 s.
// Planned stop: the active goes on for the 2 s it may take to stop; t0 moves by that.
// Process killed: the same machine may take its own lease back at once, which is earlier than the general
// case. Reset: the standby may be reset too, so its loop begins only once its host has started: t0 moves by
// host_start.
//
// Programs of the user's own that take over through a lock on a share (Program::active_port): the share frees
// the dead holder's locks at t0 + L + L/4, and the other listens Program::takeover after that:
//       ports = t0 + L + L/4 + takeover.
// An active that lives on (cut off from the share, frozen, told to stop) is in the balancer's pool until it
// has ended itself: t0 moves by Program::stop_timeout.
#pragma once

#include <string>
#include <vector>

#include "base/time.hpp"
#include "sim/topology/topology.hpp"

namespace understudy::topology {

struct MeasuredStart {
    Duration process_to_lease{};  // S1
    Duration lease_to_ports{};    // S2, without waiting for the journal lock
    Duration host_start{};        // power-on of a host to start of the node's process
};

enum class FaultKind { power_off, reset, pause, kill, stop, database_loss, share_loss };

struct BoundPart {
    std::string name;  // in words, for a table
    Duration duration{};
};

struct Bound {
    std::vector<BoundPart>
        parts;  // their sum is the bound; parts that run side by side appear as the longer one
    Duration total() const;
};

Bound worst_case_parts(const Topology& topology, const MeasuredStart& measured, FaultKind fault);
Duration worst_case_outage(const Topology& topology, const MeasuredStart& measured, FaultKind fault);

// The largest over the kinds given; over every kind when none is given.
Duration worst_case_outage(const Topology& topology, const MeasuredStart& measured,
                           const std::vector<FaultKind>& faults);

const char* to_string(FaultKind kind);

}  // namespace understudy::topology
