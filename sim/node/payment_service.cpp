// SPDX-License-Identifier: Apache-2.0
#include "sim/node/payment_service.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/io/clock.hpp"
#include "base/json.hpp"
#include "sim/node/worker.hpp"

namespace understudy::node {
namespace {

constexpr Duration answer_limit = 30s;   // how long a client's request is kept waiting for its payment
constexpr Duration delivery_limit = 5s;  // one attempt
constexpr Duration first_retry = 250ms;
constexpr Duration longest_retry = 5s;

io::HttpResponse error_response(int status, const std::string& reason) {
    return {status, json::serialize(json::object{{"error", reason}}) + "\n"};
}

int status_of(const Error& error) {
    return error.kind == ErrorKind::bad_input ? 409 : 503;
}

io::HttpResponse acknowledged(const std::string& id) {
    return {200, json::serialize(json::object{{"id", id}, {"status", "acknowledged"}}) + "\n"};
}

}  // namespace

PaymentService::PaymentService(asio::any_io_executor executor, std::string legal_name, Ledger& ledger,
                               NetworkMapClient& network_map)
    : executor_(std::move(executor)),
      legal_name_(std::move(legal_name)),
      ledger_(ledger),
      network_map_(network_map) {}

asio::awaitable<io::HttpResponse> PaymentService::rpc(io::HttpRequest request) {
    constexpr std::string_view one_payment = "/payments/";
    if (request.method == "POST" && request.target == "/payments")
        co_return co_await pay(std::move(request.body));
    if (request.method == "GET" && request.target.starts_with(one_payment))
        co_return co_await show(percent_decode(request.target.substr(one_payment.size())));
    if (request.method == "GET" && request.target == "/status") {
        io::HttpResponse response{200, status_ ? status_() : "{}"};
        co_return response;
    }
    co_return error_response(404, "no such resource: " + request.method + " " + request.target);
}

asio::awaitable<io::HttpResponse> PaymentService::pay(std::string body) {
    auto payment = payment_from_request(body);
    if (payment.has_error()) co_return error_response(400, payment.error().message());
    if (payment->peer == legal_name_) co_return error_response(400, "to: a party doesn't pay itself");
    if (refusing_) co_return error_response(503, "this node is ending");
    std::shared_ptr<InFlight> work;
    if (const auto found = in_flight_.find(payment->id); found != in_flight_.end()) {
        work = found->second;
    } else {
        if (in_flight_.size() >= max_in_flight)
            co_return error_response(503, fmt::format("too many payments under way ({})", in_flight_.size()));
        // Before anything is written down: a payee nobody knows would be retried for ever.
        const auto known = co_await network_map_.lookup(payment->peer);
        if (known.has_error())
            co_return error_response(known.error().kind == ErrorKind::bad_input ? 404 : 503,
                                     known.error().message());
        work = begin(*payment);
    }
    if (work->payment != *payment)
        co_return error_response(
            409, fmt::format("payment {}: is under way with another party or amount", payment->id));
    const Instant until = io::monotonic_now() + answer_limit;
    asio::steady_timer limit(executor_, io::to_steady(until));
    limit.async_wait([work](const boost::system::error_code& failure) {
        if (!failure) work->done.cancel();
    });
    while (!work->outcome && io::monotonic_now() < until) co_await work->done.async_wait(as_result);
    limit.cancel();
    if (!work->outcome) co_return error_response(504, "not settled yet; ask again with the same id");
    if (work->outcome->has_error())
        co_return error_response(status_of(work->outcome->error()), work->outcome->error().message());
    co_return acknowledged(payment->id);
}

asio::awaitable<io::HttpResponse> PaymentService::show(std::string id) {
    if (!is_payment_id(id)) co_return error_response(400, "not a payment id");
    const auto found = co_await ledger_.find(id);
    if (found.has_error()) co_return error_response(503, found.error().message());
    if (!found->has_value()) co_return error_response(404, "no payment " + id);
    const LedgerEntry& entry = **found;
    io::HttpResponse response{200, json::serialize(json::object{{"id", entry.payment.id},
                                                                {"direction", to_string(entry.direction)},
                                                                {"peer", entry.payment.peer},
                                                                {"amount", entry.payment.amount},
                                                                {"state", to_string(entry.state)}}) +
                                       "\n"};
    co_return response;
}

std::shared_ptr<PaymentService::InFlight> PaymentService::begin(Payment payment) {
    const auto [place, added] = in_flight_.try_emplace(payment.id);
    if (!added) return place->second;
    place->second = std::make_shared<InFlight>(executor_, std::move(payment));
    asio::co_spawn(executor_, carry_out(place->second), asio::detached);
    return place->second;
}

asio::awaitable<void> PaymentService::carry_out(std::shared_ptr<InFlight> work) {
    work->outcome = co_await steps(work->payment);
    work->done.cancel();
    in_flight_.erase(work->payment.id);
}

asio::awaitable<Result<void>> PaymentService::steps(Payment payment) {
    const auto announced = co_await ledger_.announce(payment);
    if (announced.has_error()) co_return announced.error();
    const auto entry = co_await ledger_.record(Direction::outgoing, payment);
    if (entry.has_error()) co_return entry.error();
    if (entry->state != PaymentState::settled) {
        const auto delivered = co_await deliver(payment);
        if (delivered.has_error()) co_return delivered.error();
    }
    co_return co_await ledger_.settle(payment.id);
}

asio::awaitable<Result<void>> PaymentService::deliver(Payment payment) {
    const io::HttpRequest request{"POST", "/p2p/payments", to_delivery_json(payment, legal_name_)};
    asio::steady_timer pause(executor_);
    Duration retry = first_retry;
    while (true) {
        const auto addresses = co_await network_map_.lookup(payment.peer);
        if (addresses.has_value()) {
            for (const HostPort& address : *addresses) {
                const auto response =
                    co_await io::http_request(address.host, address.port, request, delivery_limit);
                if (response.has_value() && response->status == 200) co_return Result<void>();
                if (response.has_value() && (response->status == 400 || response->status == 409))
                    co_return Error(ErrorKind::bad_input, "payment " + payment.id,
                                    "refused by the payee: " + response->body);
                spdlog::warn("delivery of {} to {}:{}: {}", payment.id, address.host, address.port,
                             response.has_error() ? response.error().message()
                                                  : fmt::format("status {}", response->status));
            }
            network_map_.doubt(payment.peer);
        }
        pause.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(retry));
        co_await pause.async_wait(as_result);
        retry = std::min(2 * retry, longest_retry);
    }
}

asio::awaitable<io::HttpResponse> PaymentService::p2p(io::HttpRequest request) {
    if (request.method != "POST" || request.target != "/p2p/payments")
        co_return error_response(404, "no such resource: " + request.method + " " + request.target);
    const auto delivery = delivery_from_json(request.body);
    if (delivery.has_error()) co_return error_response(400, delivery.error().message());
    if (delivery->to != legal_name_) co_return error_response(400, "to: this is " + legal_name_);
    if (refusing_) co_return error_response(503, "this node is ending");
    if (receiving_ >= max_in_flight) co_return error_response(503, "too many deliveries under way");
    ++receiving_;
    const auto entry = co_await ledger_.record(Direction::incoming, delivery->payment);
    --receiving_;
    if (entry.has_error()) co_return error_response(status_of(entry.error()), entry.error().message());
    co_return acknowledged(delivery->payment.id);
}

asio::awaitable<Result<std::size_t>> PaymentService::recover() {
    auto unfinished = co_await ledger_.unfinished();
    if (unfinished.has_error()) co_return unfinished.error();
    for (Payment& payment : *unfinished) begin(std::move(payment));
    co_return unfinished->size();
}

}  // namespace understudy::node
