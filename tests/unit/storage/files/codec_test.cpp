// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/codec.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <type_traits>

#include "base/random.hpp"

namespace understudy::files {
namespace {

// Fills every field with something that would be lost if it were skipped or swapped.
struct Filler {
    Random random{7};
    template <typename... Fields>
    void operator()(Fields&... fields) {
        (fill(fields), ...);
    }
    template <typename Integer>
    requires std::is_integral_v<Integer>
    void fill(Integer& value) { value = static_cast<Integer>(random.next()); }
    void fill(std::string& text) { text = "name-" + std::to_string(random.below(1000)); }
    void fill(Bytes& data) { data.value = std::string("\0data", 5) + std::to_string(random.below(1000)); }
    void fill(Qid& qid) { qid = {static_cast<std::uint8_t>(random.next()), 3, random.next()}; }
    template <typename T>
    void fill(std::vector<T>& items) {
        items.resize(3);
        for (T& item : items) fill(item);
    }
};

template <std::size_t Index = 0>
void each_type(const std::function<void(Body)>& check) {
    if constexpr (Index < std::variant_size_v<Body>) {
        std::variant_alternative_t<Index, Body> body;
        Filler filler;
        body.fields(body, filler);
        check(body);
        each_type<Index + 1>(check);
    }
}

TEST(Codec, every_message_survives_encoding_and_decoding) {
    each_type([](Body body) {
        std::string frame = encode({42, body});
        Result<Message> back = decode(frame);
        ASSERT_TRUE(back.has_value()) << type_name(body);
        EXPECT_EQ(back->tag, 42);
        EXPECT_EQ(back->body.index(), body.index());
        EXPECT_EQ(encode(*back), frame) << type_name(body);
    });
}

TEST(Codec, a_frame_in_two_pieces_is_the_same_message) {
    each_type([](Body body) {
        const std::string whole = encode({42, body});
        Frame frame = encode_frame({42, body});
        EXPECT_EQ(frame.head + frame.data, whole) << type_name(body);
        if (const std::size_t before = bytes_before_data(static_cast<std::uint8_t>(whole[4])); before != 0) {
            EXPECT_EQ(frame.head.size(), before) << type_name(body);
        }
        Result<Message> back = decode(std::move(frame));
        ASSERT_TRUE(back.has_value()) << type_name(body);
        EXPECT_EQ(encode(*back), whole) << type_name(body);
    });
}

TEST(Codec, pieces_that_do_not_belong_together_are_refused) {
    Frame frame = encode_frame({1, Twrite{1, 2, {"data"}}});
    EXPECT_TRUE(decode(Frame{frame.head, "datum"}).has_error());
    EXPECT_TRUE(decode(Frame{frame.head, ""}).has_error());
    EXPECT_TRUE(decode(Frame{frame.head.substr(0, 20), frame.head.substr(20) + frame.data}).has_error());
    EXPECT_TRUE(decode(Frame{encode({1, Tclunk{1}}).substr(0, 7), std::string(4, '\1')}).has_error());
    EXPECT_TRUE(decode(Frame{frame.head.substr(0, 5), std::string(22, '\1')}).has_error());
    EXPECT_TRUE(decode(Frame{frame.head + frame.data, ""}).has_value());
}

TEST(Codec, a_walk_looks_on_the_wire_as_the_protocol_says) {
    std::string frame = encode({1, Twalk{2, 3, {"ab"}}});
    EXPECT_EQ(frame, std::string("\x15\0\0\0\x6e\x01\0\x02\0\0\0\x03\0\0\0\x01\0\x02\0ab", 21));
}

TEST(Codec, every_shortened_message_is_refused) {
    each_type([](Body body) {
        std::string frame = encode({42, body});
        for (std::size_t length = frame_header_bytes; length < frame.size(); ++length) {
            std::string cut = frame.substr(0, length);
            cut[0] = static_cast<char>(length & 0xff);
            cut[1] = static_cast<char>(length >> 8);
            EXPECT_TRUE(decode(cut).has_error()) << type_name(body) << " cut to " << length;
        }
    });
}

TEST(Codec, what_is_malformed_is_refused_with_its_reason) {
    std::string longer = encode({1, Tclunk{1}}) + "x";
    EXPECT_TRUE(decode(longer).has_error());
    longer[0] = static_cast<char>(longer.size());
    EXPECT_EQ(decode(longer).error().reason, "bytes are left over");
    std::string unknown = encode({1, Tclunk{1}});
    unknown[4] = '\x01';
    EXPECT_EQ(decode(unknown).error().reason, "unknown type");
    EXPECT_EQ(decode(encode({1, Twalk{1, 2, std::vector<std::string>(17, "a")}})).error().reason,
              "a walk has more than 16 names");
    EXPECT_EQ(decode(encode({1, Tunlinkat{1, std::string("a\0b", 3), 0}})).error().reason,
              "a string holds a NUL");
    EXPECT_TRUE(frame_size(std::string("\x06\0\0\0", 4), 100).has_error());
    EXPECT_TRUE(frame_size(std::string("\x65\0\0\0", 4), 100).has_error());
}

TEST(Codec, random_bytes_never_do_more_than_be_refused) {
    Random random(11);
    for (int i = 0; i < 20000; ++i) {
        std::string frame(7 + random.below(60), '\0');
        for (char& c : frame) c = static_cast<char>(random.next());
        frame[0] = static_cast<char>(frame.size());
        frame[1] = frame[2] = frame[3] = 0;
        Result<Message> message = decode(frame);
        if (message.has_value()) {
            EXPECT_EQ(encode(*message), frame);
        }
    }
}

TEST(Codec, directory_entries_stop_at_the_limit_and_come_back) {
    std::string entries;
    EXPECT_TRUE(append_entry(entries, {{0, 0, 5}, 1, 8, "one"}, 40));
    EXPECT_FALSE(append_entry(entries, {{0, 0, 6}, 2, 8, "two"}, 40));
    auto back = decode_entries(entries);
    ASSERT_TRUE(back.has_value());
    ASSERT_EQ(back->size(), 1U);
    EXPECT_EQ(back->front().name, "one");
    EXPECT_TRUE(decode_entries(entries.substr(0, 10)).has_error());
}

}  // namespace
}  // namespace understudy::files
