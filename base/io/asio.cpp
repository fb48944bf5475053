// SPDX-License-Identifier: Apache-2.0
// Boost.Asio compiled once (BOOST_ASIO_SEPARATE_COMPILATION). Boost.Beast isn't: only http.cpp uses it, and a
// part of it.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
