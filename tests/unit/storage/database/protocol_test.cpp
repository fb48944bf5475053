// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/database/core/backend.hpp"
#include "storage/database/core/frontend.hpp"
#include "storage/database/core/session.hpp"
#include "storage/database/crypto.hpp"

namespace understudy::database {
namespace {

using namespace std::string_literals;

FrontendDecoder after_startup() {
    FrontendDecoder decoder;
    decoder.append("\0\0\0\x10\0\3\0\0user\0a\0\0"s);
    const auto startup = decoder.next();
    EXPECT_TRUE(startup.has_value() && startup->has_value());
    return decoder;
}

TEST(Frontend, a_startup_message_is_read_when_its_last_byte_came) {
    const std::string bytes = "\0\0\0\x10\0\3\0\0user\0a\0\0"s;
    FrontendDecoder decoder;
    for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
        decoder.append(bytes.substr(i, 1));
        const auto none = decoder.next();
        ASSERT_TRUE(none.has_value());
        ASSERT_FALSE(none->has_value());
    }
    decoder.append(bytes.substr(bytes.size() - 1));
    const auto message = decoder.next();
    ASSERT_TRUE(message.has_value() && message->has_value());
    EXPECT_EQ(std::get<StartupMessage>(**message).parameters.at("user"), "a");
}

TEST(Frontend, a_bind_keeps_nulls_apart_from_empty_values) {
    auto decoder = after_startup();
    decoder.append("B\0\0\0\x17\0s\0\0\0\0\2\xff\xff\xff\xff\0\0\0\0\0\1\0\1"s);
    const auto message = decoder.next();
    ASSERT_TRUE(message.has_value() && message->has_value()) << message.error().message;
    const auto& bind = std::get<Bind>(**message);
    EXPECT_EQ(bind.statement, "s");
    EXPECT_THAT(bind.parameters, testing::ElementsAre(std::nullopt, std::optional<std::string>("")));
    EXPECT_THAT(bind.result_formats, testing::ElementsAre(1));
}

TEST(Frontend, a_count_that_the_message_cannot_hold_is_refused) {
    auto decoder = after_startup();
    decoder.append("P\0\0\0\x08\0\0\xff\xff"s);
    EXPECT_EQ(decoder.next().error().sqlstate, "08P01");
}

TEST(Frontend, an_unknown_type_or_a_huge_length_is_refused_at_once) {
    auto decoder = after_startup();
    decoder.append("G"s);
    EXPECT_TRUE(decoder.next().error().fatal);
    auto other = after_startup();
    other.append("Q\x7f\xff\xff\xff"s);
    EXPECT_TRUE(other.next().error().fatal);
}

TEST(Frontend, bytes_behind_an_encryption_request_are_refused) {
    for (const char code : {'\x2f', '\x30'}) {  // SSLRequest, GSSENCRequest
        const std::string request = "\0\0\0\x08\x04\xd2\x16"s + code;
        FrontendDecoder decoder;
        decoder.append(request + "\0\0\0\x10\0\3\0\0user\0a\0\0"s);
        EXPECT_EQ(decoder.next().error().sqlstate, "08P01");
        FrontendDecoder alone;
        alone.append(request);
        EXPECT_TRUE(alone.next().has_value());
    }
}

TEST(Backend, messages_have_the_bytes_that_the_manual_gives) {
    BackendWriter out;
    out.ready_for_query('I');
    out.command_complete("SELECT 1");
    out.data_row({std::nullopt, "x"});
    EXPECT_EQ(out.take(),
              "Z\0\0\0\5I"s + "C\0\0\0\x0dSELECT 1\0"s + "D\0\0\0\x0f\0\2\xff\xff\xff\xff\0\0\0\1x"s);
}

TEST(Session, login_that_takes_too_long_ends_and_full_is_said_with_53300) {
    SessionSettings settings;
    settings.crypto = openssl_crypto();
    Session slow(settings, Instant{});
    ASSERT_TRUE(slow.next_deadline().has_value());
    slow.on_timeout(Instant{} + 9s);
    EXPECT_FALSE(slow.ended());
    slow.on_timeout(Instant{} + 10s);
    EXPECT_TRUE(slow.ended());
    settings.full = true;
    Session full(settings, Instant{});
    full.handle(StartupMessage{0, {{"user", "a"}}}, Instant{});
    std::string sent;
    for (const auto& action : full.take_actions())
        if (const auto* send = std::get_if<Send>(&action)) sent += send->bytes;
    EXPECT_THAT(sent, testing::HasSubstr("C53300"));
    EXPECT_TRUE(full.ended());
}

}  // namespace
}  // namespace understudy::database
