// SPDX-License-Identifier: Apache-2.0
// Carries one probe out and says in words, with the figures, what it found. TCP: a full open, then an orderly
// close. HTTP: GET of a path; only status 200 is healthy, and only the status line is waited for. HTTPS: the
// same over TLS, whatever the certificate. Never throws, always has its result within the time limit. Rule:
// the cloud's documentation of health probes.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "base/address.hpp"
#include "base/time.hpp"
#include "lb/config.hpp"
#include "lb/core/probe_machine.hpp"

namespace understudy::lb {

struct ProbeRequest {
    ProbeProtocol protocol = ProbeProtocol::tcp;
    Endpoint target;
    std::string path;  // HTTP and HTTPS
    std::optional<Ipv4Address> source;
    Duration time_limit{0};
};

boost::asio::awaitable<ProbeResult> run_probe(ProbeRequest request);

}  // namespace understudy::lb
