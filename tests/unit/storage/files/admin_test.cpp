// SPDX-License-Identifier: Apache-2.0
// The administration of a running file service, as its client program asks it.
#include "base/json.hpp"
#include "server_fixture.hpp"
#include "storage/files/admin/admin_server.hpp"
#include "storage/files/admin/client.hpp"

namespace understudy::files {
namespace {

struct Admin : ServerTest {
    void SetUp() override {
        ServerTest::SetUp();
        ASSERT_TRUE(with_share([this](ExportedShare&) {
            auto started = AdminServer::start(context->get_executor(), socket(), *server);
            if (started.has_value()) admin = std::move(*started);
            return started.has_value();
        }));
    }
    void TearDown() override {
        with_share([this](ExportedShare&) {
            admin->stop();
            return 0;
        });
        stop();
        admin.reset();
        ServerTest::TearDown();
    }
    std::string socket() const { return directory + "/admin.sock"; }
    Result<std::string> ask(const std::vector<std::string>& words) const {
        return administer(socket(), words);
    }
    json::object share() const {
        const Result<std::string> state = ask({"state"});
        EXPECT_TRUE(state.has_value()) << state.error().message();
        return json::parse(*state).as_object().at("shares").as_array().at(0).as_object();
    }
    std::unique_ptr<AdminServer> admin;
};

TEST_F(Admin, the_state_has_sessions_locks_and_fences) {
    Client a(at, "a#1"), b(at, "b#1");
    EXPECT_EQ(a.lock_status(0), lock_success);
    b.send(5, Client::lock(lock_flag_block));
    EXPECT_EQ(Client::error_of(b.ask(Tgetattr{1})), 0);
    const json::object state = share();
    EXPECT_EQ(state.at("name").as_string(), "share");
    EXPECT_EQ(state.at("sessions").as_array().size(), 2U);
    EXPECT_EQ(state.at("fence").to_number<int>(), 1);
    const auto& held = state.at("locks").as_array().at(0).as_object();
    EXPECT_EQ(held.at("client").as_string(), "a");
    EXPECT_EQ(held.at("path").as_string(), "/x");
    EXPECT_EQ(held.at("mode").as_string(), "exclusive");
    EXPECT_EQ(held.at("first").to_number<int>(), 0);
    EXPECT_EQ(held.at("last").to_number<int>(), 9);
    EXPECT_EQ(state.at("waiting").as_array().at(0).as_object().at("client").as_string(), "b");
    const auto locks = json::parse(*ask({"locks"})).as_object();
    EXPECT_EQ(locks.at("shares").as_array().at(0).as_object().at("locks"), state.at("locks"));
}

TEST_F(Admin, a_fault_is_given_and_healed_by_its_id) {
    Client a(at, "a#1");
    const Result<std::string> given = ask({"fault", "read-only", "path=x"});
    ASSERT_TRUE(given.has_value()) << given.error().message();
    const std::string id(json::parse(*given).as_object().at("id").as_string());
    EXPECT_EQ(a.write("new"), EROFS);
    const json::array faults = share().at("faults").as_array();
    ASSERT_EQ(faults.size(), 1U);
    EXPECT_EQ(faults[0].as_object().at("id").as_string(), id);
    EXPECT_EQ(faults[0].as_object().at("befell").to_number<int>(), 1);
    EXPECT_TRUE(ask({"heal", id}).has_value());
    EXPECT_EQ(a.write("new"), 0);
    EXPECT_TRUE(share().at("faults").as_array().empty());
}

TEST_F(Admin, what_it_cannot_do_is_refused_with_the_reason) {
    auto reason = [this](const std::vector<std::string>& words) {
        const Result<std::string> answered = ask(words);
        return answered.has_value() ? "done" : answered.error().message();
    };
    EXPECT_NE(reason({"heal", "f9"}).find("no such fault is in force"), std::string::npos);
    EXPECT_NE(reason({"fault", "stal"}).find("no such fault; use stall"), std::string::npos);
    EXPECT_NE(reason({"fault", "stall", "share=other"}).find("no such export"), std::string::npos);
    EXPECT_NE(reason({"fault", "power-loss"}).find("set power_loss: true"), std::string::npos);
    EXPECT_NE(reason({"end", "nobody"}).find("has no session"), std::string::npos);
    EXPECT_NE(reason({"stat"}).find("is not known"), std::string::npos);
}

TEST_F(Admin, a_session_that_is_ended_has_lost_its_locks) {
    Client a(at, "a#1"), b(at, "b#1");
    EXPECT_EQ(a.lock_status(0), lock_success);
    EXPECT_EQ(b.lock_status(0), lock_blocked);
    EXPECT_TRUE(ask({"end", "a"}).has_value());
    EXPECT_EQ(b.lock_status(0), lock_success);
    EXPECT_EQ(a.next().tag, no_tag);  // closed
}

TEST_F(Admin, metrics_count_what_was_asked) {
    Client a(at, "a#1"), b(at, "b#1");
    EXPECT_EQ(a.write("12345"), 0);
    EXPECT_EQ(a.lock_status(0), lock_success);
    EXPECT_EQ(b.lock_status(0), lock_blocked);
    const Result<std::string> metrics = ask({"metrics"});
    ASSERT_TRUE(metrics.has_value()) << metrics.error().message();
    for (const char* line : {
             "understudy_files_requests_total{share=\"share\",request=\"write\",outcome=\"done\"} 1\n",
             "understudy_files_request_seconds_count{share=\"share\",request=\"lock\"} 2\n",
             "understudy_files_bytes_written_total{share=\"share\"} 5\n",
             "understudy_files_sessions{share=\"share\"} 2\n",
             "understudy_files_lock_grants_total{share=\"share\"} 1\n",
             "understudy_files_lock_refusals_total{share=\"share\"} 1\n",
             "understudy_files_faults{share=\"share\"} 0\n",
             "# TYPE understudy_files_request_seconds histogram\n",
         })
        EXPECT_NE(metrics->find(line), std::string::npos) << line << *metrics;
}

}  // namespace
}  // namespace understudy::files
