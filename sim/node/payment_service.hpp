// SPDX-License-Identifier: Apache-2.0
// What an active node does with payments, on its three ports. An outgoing payment is announced in the
// journal, recorded in the own vault, delivered to the payee until that has recorded it, settled in the own
// vault, and only then acknowledged. Each step is idempotent by payment id, so a client's retry, or the next
// active host's recovery, goes through the same steps and ends in the same single entry at each party. Calls
// for one id at a time are carried out once; others wait for that one's outcome. Deliveries are retried
// without end, from 250 ms up to 5 s apart; at most max_in_flight payments are under way, more are answered
// 503. Threads: one single-threaded executor.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/io/http.hpp"
#include "sim/node/ledger.hpp"
#include "sim/node/network_map_client.hpp"

namespace understudy::node {

class PaymentService {
  public:
    PaymentService(boost::asio::any_io_executor executor, std::string legal_name, Ledger& ledger,
                   NetworkMapClient& network_map);

    boost::asio::awaitable<io::HttpResponse> rpc(
        io::HttpRequest request);  // POST /payments, GET /payments/ID, GET /status
    boost::asio::awaitable<io::HttpResponse> p2p(io::HttpRequest request);  // POST /p2p/payments
    boost::asio::awaitable<Result<std::size_t>> recover();  // starts finishing what is unfinished

    std::size_t in_flight() const { return in_flight_.size() + receiving_; }
    void refuse_new_payments() { refusing_ = true; }
    void describe_with(std::function<std::string()> status) { status_ = std::move(status); }

    static constexpr std::size_t max_in_flight = 1000;

  private:
    struct InFlight {
        InFlight(const boost::asio::any_io_executor& executor, Payment asked)
            : payment(std::move(asked)), done(executor, boost::asio::steady_timer::time_point::max()) {}
        Payment payment;
        boost::asio::steady_timer done;
        std::optional<Result<void>> outcome;
    };

    boost::asio::awaitable<io::HttpResponse> pay(std::string body);
    boost::asio::awaitable<io::HttpResponse> show(std::string id);
    std::shared_ptr<InFlight> begin(Payment payment);
    boost::asio::awaitable<void> carry_out(std::shared_ptr<InFlight> work);
    boost::asio::awaitable<Result<void>> steps(Payment payment);
    boost::asio::awaitable<Result<void>> deliver(Payment payment);

    boost::asio::any_io_executor executor_;
    std::string legal_name_;
    Ledger& ledger_;
    NetworkMapClient& network_map_;
    std::function<std::string()> status_;
    std::map<std::string, std::shared_ptr<InFlight>> in_flight_;
    std::size_t receiving_ = 0;
    bool refusing_ = false;
};

}  // namespace understudy::node
