// SPDX-License-Identifier: Apache-2.0
// What is left on the share after a power loss.
#include <algorithm>

#include "server_fixture.hpp"

namespace understudy::files {
namespace {

struct PowerLoss : ServerTest {
    void configure(ExportConfig& config) override { config.power_loss = true; }
    // Takes the power, and gives it back.
    void lose_power(const std::map<std::string, std::string>& words = {}) {
        std::promise<void> lost;
        server->on_power_lost([&] { lost.set_value(); });
        fault("P", "power-loss", words);
        ASSERT_EQ(lost.get_future().wait_for(20s), std::future_status::ready);
        stop();
        start();
    }
    bool exists(const std::string& name) const {
        return std::filesystem::exists(directory + "/data/" + name);
    }
};

TEST_F(PowerLoss, takes_what_was_not_synced) {
    {
        Client a(at, "a#1");
        EXPECT_EQ(a.write("new and longer"), 0);
        EXPECT_EQ(a.create(2, "y"), 0);
        EXPECT_EQ(a.write("y's", 0, 2), 0);
        EXPECT_EQ(text(), "new and longer");
    }
    lose_power();
    EXPECT_EQ(text(), "old");
    EXPECT_FALSE(exists("y"));
}

TEST_F(PowerLoss, leaves_what_was_synced) {
    {
        Client a(at, "a#1");
        EXPECT_EQ(a.write("new"), 0);
        EXPECT_EQ(a.create(2, "y"), 0);
        EXPECT_EQ(a.write("y's", 0, 2), 0);
        EXPECT_EQ(a.sync(1), 0);
        EXPECT_EQ(a.sync(2), 0);
        EXPECT_EQ(a.write("lost", 0, 1), 0);
    }
    lose_power();
    EXPECT_EQ(text(), "new");
    EXPECT_EQ(text("y"), "y's");
}

TEST_F(PowerLoss, takes_names_that_no_sync_came_after) {
    {
        Client a(at, "a#1");
        EXPECT_EQ(a.create(2, "y"), 0);
        EXPECT_EQ(a.sync(1), 0);  // of another file: names are ordered
        EXPECT_EQ(a.rename("x", "z"), 0);
        EXPECT_EQ(Client::error_of(a.ask(Tunlinkat{0, "y", 0})), 0);
        EXPECT_EQ(Client::error_of(a.ask(Tmkdir{0, "folder", 0755, 0})), 0);
        EXPECT_EQ(a.rename("z", "folder"), EISDIR);  // refused, and nothing is left of the attempt
    }
    lose_power();
    EXPECT_TRUE(exists("y"));
    EXPECT_EQ(text("x"), "old");
    EXPECT_FALSE(exists("z"));
    EXPECT_FALSE(exists("folder"));
}

TEST_F(PowerLoss, puts_removed_folders_and_truncated_bytes_back) {
    {
        Client a(at, "a#1");
        EXPECT_EQ(Client::error_of(a.ask(Tmkdir{0, "folder", 0750, 0})), 0);
        a.ask(Twalk{0, 3, {"folder"}});
        EXPECT_EQ(Client::error_of(a.ask(Tlcreate{3, "inside", 2, 0644, 0})), 0);
        EXPECT_EQ(a.write(std::string(10000, 'i'), 0, 3), 0);
        EXPECT_EQ(a.sync(3), 0);
        a.ask(Twalk{0, 4, {"folder"}});
        EXPECT_EQ(Client::error_of(a.ask(Tunlinkat{4, "inside", 0})), 0);
        EXPECT_EQ(a.write("unlinked but open", 0, 3), 0);
        Body status = a.ask(Tgetattr{3});
        ASSERT_TRUE(std::holds_alternative<Rgetattr>(status));
        EXPECT_EQ(std::get<Rgetattr>(status).links, 0U);  // the undo log's own link doesn't show
        EXPECT_EQ(Client::error_of(a.ask(Tunlinkat{0, "folder", 0x200})), 0);
        Tsetattr resize;
        resize.fid = 1;
        resize.valid = setattr_size;
        EXPECT_EQ(Client::error_of(a.ask(resize)), 0);
    }
    lose_power();
    EXPECT_EQ(text(), "old");
    EXPECT_EQ(text("folder/inside"), std::string(10000, 'i'));
}

// The journal-and-rename that programs rely on: old or new, never neither.
TEST_F(PowerLoss, leaves_the_old_or_the_new_content_under_a_name_that_was_replaced) {
    bool old_seen = false, new_seen = false;
    for (int seed = 1; seed <= 30; ++seed) {
        std::ofstream(directory + "/data/x", std::ios::trunc) << std::string(9000, 'o');
        std::filesystem::remove(directory + "/data/t");
        {
            Client a(at, "a#1");
            EXPECT_EQ(a.create(2, "t"), 0);
            EXPECT_EQ(a.write(std::string(9000, 'n'), 0, 2), 0);
            EXPECT_EQ(a.rename("t", "x"), 0);
        }
        lose_power({{"torn", "sectors"}, {"seed", std::to_string(seed)}});
        const std::string left = text();
        ASSERT_TRUE(left == std::string(9000, 'o') || left == std::string(9000, 'n'))
            << "seed " << seed << ": " << left.size() << " bytes";
        (left.front() == 'o' ? old_seen : new_seen) = true;
    }
    EXPECT_TRUE(old_seen);
    EXPECT_TRUE(new_seen);
}

TEST_F(PowerLoss, tears_writes_at_sectors_where_it_is_asked_to_and_the_same_again_with_the_seed) {
    auto left_after = [&](const std::map<std::string, std::string>& words) {
        std::ofstream(directory + "/data/x", std::ios::trunc) << std::string(65536, 'o');
        {
            Client a(at, "a#1");
            EXPECT_EQ(a.write(std::string(65536, 'n')), 0);
        }
        lose_power(words);
        return text();
    };
    const std::string sectors = left_after({{"torn", "sectors"}, {"seed", "5"}});
    ASSERT_EQ(sectors.size(), 65536U);
    bool within_a_page = false;
    for (std::size_t at = 0; at < sectors.size(); at += 512) {
        const char first = sectors[at];
        EXPECT_TRUE(first == 'o' || first == 'n');
        EXPECT_EQ(sectors.substr(at, 512), std::string(512, first));
        if (at % 4096 != 0 && sectors[at] != sectors[at - 512]) within_a_page = true;
    }
    EXPECT_TRUE(within_a_page);
    EXPECT_EQ(left_after({{"torn", "sectors"}, {"seed", "5"}}), sectors);
    const std::string pages = left_after({{"torn", "pages"}, {"seed", "5"}});
    for (std::size_t at = 0; at < pages.size(); at += 4096)
        EXPECT_EQ(pages.substr(at, 4096), std::string(4096, pages[at]));
    EXPECT_NE(pages, std::string(65536, 'o'));
    EXPECT_EQ(left_after({}), std::string(65536, 'o'));
}

TEST_F(PowerLoss, puts_modes_and_attributes_back) {
    {
        Client a(at, "a#1");
        EXPECT_EQ(a.set_attribute(1, "user.kept", "1"), 0);
        EXPECT_EQ(a.sync(1), 0);
        EXPECT_EQ(a.set_attribute(1, "user.kept", "2"), 0);
        EXPECT_EQ(a.set_attribute(1, "user.lost", "1"), 0);
        Tsetattr mode;
        mode.fid = 1;
        mode.valid = setattr_mode;
        mode.mode = 0400;
        EXPECT_EQ(Client::error_of(a.ask(mode)), 0);
    }
    lose_power();
    Client b(at, "b#1");
    EXPECT_EQ(b.attribute(1, "user.kept"), "1");
    EXPECT_EQ(Client::error_of(b.ask(Txattrwalk{1, 9, "user.lost"})), ENODATA);
    Body status = b.ask(Tgetattr{1});
    EXPECT_NE(std::get<Rgetattr>(status).mode & 0200, 0U);
}

}  // namespace
}  // namespace understudy::files
