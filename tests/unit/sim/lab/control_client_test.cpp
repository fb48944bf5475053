// SPDX-License-Identifier: Apache-2.0
#include "sim/lab/control_client.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>

#include "sim/lab/region_directory.hpp"
#include "tests/support/scratch_directory.hpp"

namespace understudy::lab {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

// A region's folder, and the supervisor's end of the socket in it.
class ControlClientTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ::setenv("UNDERSTUDY_STATE_DIR", scratch_.path().c_str(), 1);
        const RegionDirectory directory("asked");
        const auto lock = directory.create();
        ASSERT_TRUE(lock.has_value()) << lock.error().message();
        acceptor_.open();
        acceptor_.bind(directory.control_socket().string());
        acceptor_.listen();
    }
    void TearDown() override { ::unsetenv("UNDERSTUDY_STATE_DIR"); }

    const test::ScratchDirectory scratch_;
    asio::io_context context_;
    asio::local::stream_protocol::acceptor acceptor_{context_};
};

TEST_F(ControlClientTest, a_command_that_ended_before_its_input_did_still_tells_its_exit_status) {
    auto client = ControlClient::connect("asked");
    ASSERT_TRUE(client.has_value()) << client.error().message();
    {
        auto supervisor = acceptor_.accept();
        asio::write(supervisor, asio::buffer(std::string("{\"data\":\"eA==\"}\n{\"exit\":7}\n")));
    }
    client->tell({{"close_input", true}});
    const auto data = client->next_line(1s);
    ASSERT_TRUE(data.has_value() && data->has_value());
    const auto exit = client->next_line(1s);
    ASSERT_TRUE(exit.has_value() && exit->has_value());
    EXPECT_EQ((*exit)->at("exit"), 7);
    EXPECT_TRUE(client->next_line(1s).has_error()) << "after it there is nothing";
}

TEST_F(ControlClientTest, a_request_to_a_supervisor_that_is_gone_fails_by_the_regions_name) {
    auto client = ControlClient::connect("asked");
    ASSERT_TRUE(client.has_value()) << client.error().message();
    acceptor_.accept().close();
    const auto answer = client->request({{"command", "status"}}, 1s);
    ASSERT_TRUE(answer.has_error());
    EXPECT_EQ(answer.error().subject, "region asked");
}

}  // namespace
}  // namespace understudy::lab
