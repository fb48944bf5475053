// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/config/node.hpp"
#include "base/config/reader.hpp"

namespace understudy::config {
namespace {

using testing::HasSubstr;

TEST(ConfigNode, every_value_knows_where_it_was_written) {
    const Node root = parse_text("a: 1\nb:\n  - x\n  - {c: 2}\n", "f.yaml").value();
    EXPECT_EQ(root.find("a")->place.message_prefix(), "f.yaml:1:4");
    EXPECT_EQ(root.find("b")->elements[1].find("c")->place.message_prefix(), "f.yaml:4:9");
    EXPECT_EQ(root.find("none"), nullptr);
}

TEST(ConfigNode, broken_documents_are_refused_with_their_place) {
    EXPECT_THAT(parse_text("a: 1\na: 2\n", "f").error().message(),
                HasSubstr("f:2:1: key 'a' is given twice"));
    EXPECT_THAT(parse_text("a: [1\n", "f").error().message(), HasSubstr("f:"));
    EXPECT_THAT(parse_text(std::string(100, '[') + std::string(100, ']'), "f").error().message(),
                HasSubstr("too deeply"));
    EXPECT_EQ(load_file("/nowhere/f.yaml").error().kind, ErrorKind::bad_input);
    EXPECT_EQ(parse_text("", "f").value().kind, Node::Kind::mapping);
}

TEST(ConfigNode, aliases_of_aliases_that_grow_without_bound_are_refused) {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int level = 1; level < 9; ++level)
        text += fmt::format(
            "a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", level,
            level - 1);
    const auto parsed = parse_text(text, "f");
    ASSERT_TRUE(parsed.has_error());
    EXPECT_EQ(parsed.error().kind, ErrorKind::bad_input);
    EXPECT_THAT(parsed.error().message(), HasSubstr("aliases counted"));
}

TEST(ConfigNode, merging_lays_mappings_over_each_other_and_replaces_the_rest) {
    const Node merged = merge(parse_text("{a: {x: 1, y: 2}, l: [1, 2]}", "under").value(),
                              parse_text("{a: {y: 3}, l: [4], n: 5}", "over").value());
    EXPECT_EQ(merged.find("a")->find("x")->scalar, "1");
    EXPECT_EQ(merged.find("a")->find("y")->scalar, "3");
    EXPECT_EQ(merged.find("a")->find("y")->place.file, "over");
    EXPECT_EQ(merged.find("l")->elements.size(), 1u);
    EXPECT_EQ(merged.find("n")->scalar, "5");
}

TEST(ConfigNode, a_setting_makes_its_way_and_says_where_it_came_from) {
    Node root = parse_text("a: {b: 1}", "f").value();
    ASSERT_TRUE(apply_setting(root, "a.b=2").has_value());
    ASSERT_TRUE(apply_setting(root, "c.d.e=[x, y]").has_value());
    EXPECT_EQ(root.find("a")->find("b")->scalar, "2");
    EXPECT_EQ(root.find("c")->find("d")->find("e")->elements.size(), 2u);
    EXPECT_EQ(root.find("a")->find("b")->place.message_prefix(), "--set a.b=2");
    EXPECT_THAT(apply_setting(root, "a.b").error().message(), HasSubstr("is not PATH=VALUE"));
}

TEST(ConfigReader, values_are_read_by_their_type) {
    Diagnostics diagnostics;
    const Node root =
        parse_text("{t: x, i: -3, d: 1.5, b: true, p: 80, w: 5s, a: 192.0.2.1, s: 2KiB, l: [1, 2]}", "f")
            .value();
    Mapping mapping(root, "", diagnostics);
    EXPECT_EQ(mapping.required("t")->text(), "x");
    EXPECT_EQ(mapping.required("i")->integer(-5, 5), -3);
    EXPECT_EQ(mapping.required("d")->number(0, 2), 1.5);
    EXPECT_TRUE(mapping.required("b")->boolean());
    EXPECT_EQ(mapping.required("p")->port(), 80);
    EXPECT_EQ(mapping.required("w")->duration(0s, 1h), 5s);
    EXPECT_EQ(to_string(mapping.required("a")->address()), "192.0.2.1");
    EXPECT_EQ(mapping.required("s")->bytes(), 2048u);
    EXPECT_EQ(mapping.required("l")->texts().size(), 2u);
    EXPECT_EQ(mapping.required("t")->choice({"w", "x"}), 1u);
    EXPECT_FALSE(mapping.optional("none").has_value());
    mapping.refuse_unknown_keys();
    EXPECT_TRUE(diagnostics.outcome().has_value());
}

TEST(ConfigReader, all_mistakes_are_collected_in_file_order) {
    Diagnostics diagnostics;
    const Node root = parse_text("port: 70000\nname: a b\nwiat: 1s\nlevel: loud\n", "f").value();
    Mapping mapping(root, "lb", diagnostics);
    mapping.required("level")->choice({"info", "debug"});
    mapping.required("name")->name();
    mapping.required("port")->port();
    mapping.required("waits");
    mapping.refuse_unknown_keys();
    const std::string message = diagnostics.outcome().error().message();
    EXPECT_THAT(message, HasSubstr("f:1:7: lb.port: '70000' is not a whole number from 1 to 65535\n"));
    EXPECT_THAT(message, HasSubstr("f:2:7: lb.name: 'a b' is not a name"));
    EXPECT_THAT(message, HasSubstr("f:3:1: lb.wiat: is not a known key"));
    EXPECT_THAT(message, HasSubstr("f:4:8: lb.level: 'loud' is not known; use one of info, debug"));
    EXPECT_THAT(message, HasSubstr("lb.waits: is missing"));
    EXPECT_LT(message.find("f:1:7"), message.find("f:2:7"));
}

TEST(ConfigReader, a_value_of_another_shape_is_refused_and_harmless) {
    Diagnostics diagnostics;
    const Node root = parse_text("{a: [1], b: {c: 1}, d: 1}", "f").value();
    Mapping mapping(root, "", diagnostics);
    EXPECT_EQ(mapping.required("a")->integer(1, 5), 1);
    EXPECT_EQ(mapping.required("b")->texts().size(), 0u);
    EXPECT_EQ(mapping.required("d")->mapping().entries().size(), 0u);
    EXPECT_EQ(diagnostics.all().size(), 3u);
}

}  // namespace
}  // namespace understudy::config
