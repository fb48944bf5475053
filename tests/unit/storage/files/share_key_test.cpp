// SPDX-License-Identifier: Apache-2.0
// Who may attach: by address, and by the share's key.
#include "storage/files/io/share_key.hpp"

#include "server_fixture.hpp"

namespace understudy::files {
namespace {

const std::string key = "a key of more than sixteen bytes";

struct ShareKey : ServerTest {
    void configure(ExportConfig& config) override {
        config.key_file = directory + "/key";
        std::ofstream(config.key_file) << key << "\n";
        std::filesystem::permissions(config.key_file, std::filesystem::perms(0600));
    }
    static std::string nonce(Client& client, const std::string& user, std::uint32_t fid = 5) {
        EXPECT_TRUE(std::holds_alternative<Rauth>(client.ask(Tauth{fid, user, "share", no_user})));
        Body read = client.ask(Tread{fid, 0, 100});
        const auto* it = std::get_if<Rread>(&read);
        return it == nullptr ? "" : it->data.value;
    }
    static int prove(Client& client, const std::string& with, const std::string& user = "a#1") {
        const std::string challenge = nonce(client, user);
        EXPECT_EQ(challenge.size(), nonce_bytes);
        return Client::error_of(client.ask(Twrite{5, 0, {attach_proof(with, challenge, user, "share")}}));
    }
    static int attach(Client& client, const std::string& user = "a#1", std::uint32_t proof = 5) {
        return Client::error_of(client.ask(Tattach{0, proof, user, "share", no_user}));
    }
};

TEST_F(ShareKey, who_has_it_attaches) {
    Client a(at, "");
    EXPECT_EQ(prove(a, key), 0);
    EXPECT_EQ(attach(a), 0);
    EXPECT_EQ(a.open(1, "x"), 0);
}

TEST_F(ShareKey, who_does_not_have_it_is_refused) {
    Client a(at, "");
    EXPECT_EQ(attach(a, "a#1", no_fid), EACCES);
    EXPECT_EQ(prove(a, key + "?"), EACCES);
    EXPECT_EQ(attach(a), EACCES);
}

TEST_F(ShareKey, a_proof_holds_for_its_name_and_its_challenge_alone) {
    Client a(at, "");
    EXPECT_EQ(prove(a, key, "a#1"), 0);
    EXPECT_EQ(attach(a, "b#1"), EACCES);
    Client b(at, "");
    const std::string first = attach_proof(key, nonce(b, "b#1"), "b#1", "share");
    b.ask(Tclunk{5});
    EXPECT_NE(nonce(b, "b#1"), "");
    EXPECT_EQ(Client::error_of(b.ask(Twrite{5, 0, {first}})), EACCES);
}

TEST_F(ShareKey, guessing_ends_the_connection_and_then_the_address) {
    for (int connection = 0; connection < 3; ++connection) {
        Client a(at, "");
        for (int guess = 0; guess < 3; ++guess) EXPECT_EQ(prove(a, "guess"), EACCES);
        a.send(1, Tauth{5, "a#1", "share", no_user});
        EXPECT_EQ(a.next().tag, no_tag);  // closed
    }
    Client tenth(at, "");
    EXPECT_EQ(prove(tenth, "guess"), EACCES);
    Client a(at, "");
    EXPECT_EQ(Client::error_of(a.ask(Tauth{5, "a#1", "share", no_user})), EACCES);
}

TEST_F(ShareKey, a_file_that_others_may_read_is_no_key) {
    std::filesystem::permissions(directory + "/key", std::filesystem::perms(0640));
    const auto read = read_share_key(directory + "/key");
    ASSERT_TRUE(read.has_error());
    EXPECT_NE(read.error().message().find("chmod 600"), std::string::npos);
    std::filesystem::permissions(directory + "/key", std::filesystem::perms(0600));
    EXPECT_EQ(*read_share_key(directory + "/key"), key);
    std::ofstream(directory + "/key") << "short";
    EXPECT_TRUE(read_share_key(directory + "/key").has_error());
}

struct AllowedClients : ServerTest {
    void configure(ExportConfig& config) override { config.clients = {*parse_network("192.0.2.0/24")}; }
};

TEST_F(AllowedClients, others_are_refused) {
    Client a(at, "");
    EXPECT_EQ(Client::error_of(a.ask(Tattach{0, no_fid, "a#1", "share", no_user})), EACCES);
    with_share([](ExportedShare& it) {
        it.clients.push_back(*parse_network("127.0.0.0/8"));
        return 0;
    });
    EXPECT_EQ(Client::error_of(a.ask(Tattach{0, no_fid, "a#1", "share", no_user})), 0);
}

struct NoKey : ServerTest {};

TEST_F(NoKey, none_is_asked_for_where_none_is_configured) {
    Client a(at, "");
    EXPECT_EQ(Client::error_of(a.ask(Tauth{5, "a#1", "share", no_user})), EOPNOTSUPP);
    EXPECT_EQ(Client::error_of(a.ask(Tattach{0, no_fid, "a#1", "share", no_user})), 0);
}

}  // namespace
}  // namespace understudy::files
