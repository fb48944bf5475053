// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/core/codec.hpp"

#include <gtest/gtest.h>

namespace understudy::vmctl {
namespace {

template <typename T>
T pass_through(const T& message) {
    Decoder decoder;
    const std::string bytes = "old boot" + session_marker(7) + encode(message).value();
    std::optional<T> result;
    for (const char byte : bytes) {
        decoder.feed(std::string_view(&byte, 1));
        while (auto item = decoder.next()) {
            if (item->has_error())
                ADD_FAILURE() << item->error().message();
            else if (const auto* got = std::get_if<Message>(&**item))
                result = std::get<T>(*got);
        }
    }
    EXPECT_TRUE(result.has_value());
    return result.value_or(T{});
}

TEST(AgentCodec, a_configuration_comes_out_as_it_went_in) {
    HostConfig config;
    config.hostname = "db-0";
    config.interface = InterfaceConfig{"eth0", {"192.0.2.1"}, "169.254.1.1"};
    config.files = {{"/etc/x", 0600, "secret\n"}};
    config.units = {
        {"db", {"/bin/db", "-v"}, {{"A", "b"}}, {"mount"}, RestartPolicy::on_failure, 5ms, 1s, "/"}};
    EXPECT_EQ(pass_through(Configure{config}).config, config);
}

TEST(AgentCodec, raw_bytes_and_ids_survive_one_byte_at_a_time) {
    const std::string raw("\0\xff\xf5U\0n", 6);
    EXPECT_EQ(pass_through(ExecOutput{70000, OutputStream::standard_error, raw}).bytes, raw);
    EXPECT_EQ(pass_through(LogChunk{"unit", OutputStream::standard_output, raw}).bytes, raw);
    EXPECT_EQ(pass_through(ExecExit{3, 137}).status, 137);
    EXPECT_EQ(pass_through(EventLine{"u", "{}"}).line, "{}");
}

TEST(AgentCodec, a_new_boot_inside_a_frame_opens_a_new_session) {
    Decoder decoder;
    const std::string half =
        encode(LogChunk{"u", OutputStream::standard_output, std::string(500, 'x')}).value();
    decoder.feed(session_marker(1) + half.substr(0, 100) + session_marker(2) + encode(Hello{}).value());
    EXPECT_EQ(std::get<SessionStarted>(decoder.next()->value()).session, 1u);
    EXPECT_EQ(std::get<SessionStarted>(decoder.next()->value()).session, 2u);
    EXPECT_TRUE(std::holds_alternative<Hello>(std::get<Message>(decoder.next()->value())));
    EXPECT_FALSE(decoder.next().has_value());
}

TEST(AgentCodec, a_malformed_frame_is_an_error_and_the_next_session_is_found) {
    Decoder decoder;
    decoder.feed(session_marker(1) + std::string(40, '\xee') + session_marker(2));
    ASSERT_TRUE(decoder.next()->has_value());
    EXPECT_TRUE(decoder.next()->has_error());
    EXPECT_EQ(std::get<SessionStarted>(decoder.next()->value()).session, 2u);
}

}  // namespace
}  // namespace understudy::vmctl
