// SPDX-License-Identifier: Apache-2.0
#include "base/io/http.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <stdexcept>

namespace understudy::io {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

asio::awaitable<HttpResponse> echo(HttpRequest request) {
    if (request.target == "/throws") throw std::runtime_error("on purpose");
    HttpResponse response{201, request.method + " " + request.target + " " + request.body, "text/plain"};
    co_return response;
}

asio::awaitable<void> ask(std::uint16_t port, HttpRequest request, Duration timeout,
                          std::optional<Result<HttpResponse>>& answer, asio::io_context& context) {
    answer = co_await http_request("127.0.0.1", port, std::move(request), timeout);
    context.stop();
}

class Http : public testing::Test {
  protected:
    Http() : acceptor_(listen_tcp(context_.get_executor(), {asio::ip::address_v4::loopback(), 0}).value()) {}

    void serve() { asio::co_spawn(context_, serve_http(acceptor_, echo), asio::detached); }

    Result<HttpResponse> request(HttpRequest request, Duration timeout = 10s) {
        std::optional<Result<HttpResponse>> answer;
        context_.restart();
        asio::co_spawn(context_, ask(port(), std::move(request), timeout, answer, context_), asio::detached);
        context_.run_for(std::chrono::seconds(30));
        if (!answer) return Error(ErrorKind::failed, "test", "no answer in 30 s");
        return std::move(*answer);
    }

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

    asio::io_context context_;
    tcp::acceptor acceptor_;
};

TEST_F(Http, a_request_is_answered_by_the_handler) {
    serve();
    const auto answer = request({"POST", "/pay?x=1", "hello", "text/plain"});
    ASSERT_TRUE(answer.has_value()) << answer.error().message();
    EXPECT_EQ(answer->status, 201);
    EXPECT_EQ(answer->body, "POST /pay?x=1 hello");
    EXPECT_EQ(answer->content_type, "text/plain");
}

TEST_F(Http, a_handler_that_throws_is_answered_500_and_the_server_goes_on) {
    serve();
    EXPECT_EQ(request({"GET", "/throws", "", ""})->status, 500);
    EXPECT_EQ(request({"GET", "/", "", ""})->status, 201);
}

TEST_F(Http, a_server_that_never_answers_is_a_timeout_that_says_how_long) {
    const auto answer =
        request({"GET", "/", "", ""}, 50ms);  // nobody accepts; the backlog takes the connection
    ASSERT_TRUE(answer.has_error());
    EXPECT_EQ(answer.error().kind, ErrorKind::timeout);
    EXPECT_THAT(answer.error().message(), testing::HasSubstr("response took longer than 50ms"));
}

TEST_F(Http, a_closed_port_is_a_failure_of_connecting) {
    const std::uint16_t closed = port();
    acceptor_.close();
    std::optional<Result<HttpResponse>> answer;
    asio::co_spawn(context_, ask(closed, {}, 10s, answer, context_), asio::detached);
    context_.run_for(std::chrono::seconds(30));
    ASSERT_TRUE(answer && answer->has_error());
    EXPECT_THAT(answer->error().message(), testing::HasSubstr("connect failed"));
}

TEST_F(Http, what_is_no_request_is_answered_400) {
    serve();
    tcp::socket socket(context_);
    socket.connect(acceptor_.local_endpoint());
    asio::write(socket, asio::buffer(std::string("nonsense\r\n\r\n")));
    std::string reply;
    asio::async_read(socket, asio::dynamic_buffer(reply),
                     [this](const boost::system::error_code&, std::size_t) { context_.stop(); });
    context_.restart();
    context_.run_for(std::chrono::seconds(30));
    EXPECT_THAT(reply, testing::StartsWith("HTTP/1.1 400"));
}

TEST_F(Http, a_taken_port_is_named) {
    const auto second = listen_tcp(context_.get_executor(), acceptor_.local_endpoint());
    ASSERT_TRUE(second.has_error());
    EXPECT_EQ(second.error().kind, ErrorKind::environment);
    EXPECT_THAT(second.error().message(), testing::HasSubstr("cannot listen"));
}

}  // namespace
}  // namespace understudy::io
