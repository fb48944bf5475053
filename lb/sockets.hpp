// SPDX-License-Identifier: Apache-2.0
// What prober and proxy both need of sockets: addresses to and from Asio, a connect with a time limit, how a
// connection ends, and the words for what went wrong.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <optional>
#include <string>

#include "base/address.hpp"
#include "base/time.hpp"

namespace understudy::lb {

boost::asio::ip::tcp::endpoint to_asio(Endpoint endpoint);
Endpoint from_asio(const boost::asio::ip::tcp::endpoint& endpoint);  // IPv4 only

// Closes with a reset rather than a FIN, so that the peer notices at once; what was unsent is dropped.
void close_with_reset(boost::asio::ip::tcp::socket& socket);

// "refused", "not answered", … : how a step on a socket failed, as it reads after the step's name.
std::string words_for(const boost::system::error_code& failure);

// "0.3 ms", "1250 ms": three significant figures.
std::string format_latency(Duration latency);

// Opens `socket`, binds it to `source` if given, and connects. asio::error::timed_out after `limit`; while it
// waits, cancelling or closing the socket ends it. `socket` must outlive the wait.
boost::asio::awaitable<boost::system::error_code> connect_within(boost::asio::ip::tcp::socket& socket,
                                                                 Endpoint target,
                                                                 std::optional<Ipv4Address> source,
                                                                 Duration limit);

}  // namespace understudy::lb
