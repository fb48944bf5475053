// SPDX-License-Identifier: Apache-2.0
// The real file service on temporary shares, one open and one with a key, with a witness: a client of its own
// that is served whatever another does.
#pragma once

#include <signal.h>
#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "base/io/free_port.hpp"
#include "storage/files/server/server.hpp"
#include "tests/fuzz/ninep_peer.hpp"

namespace understudy::files {

class Service {
  public:
    Service() {
        spdlog::set_level(spdlog::level::off);
        ::signal(SIGPIPE, SIG_IGN);
        std::string pattern = (std::filesystem::temp_directory_path() / "understudy-fuzz-XXXXXX").string();
        require(::mkdtemp(pattern.data()) != nullptr, "no temporary folder");
        folder_ = pattern;
        std::ofstream(folder_ + "/key") << key << "\n";
        std::filesystem::permissions(
            folder_ + "/key", std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        std::ofstream(folder_ + "/beside") << "untouched";
        start();
    }
    ~Service() {
        end();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    std::uint16_t port() const { return port_; }

    void begin_anew() {
        for (const std::string share : {"/data", "/keyed"}) {
            std::error_code ignored;
            for (const auto& entry : std::filesystem::directory_iterator(folder_ + share, ignored))
                std::filesystem::remove_all(entry.path(), ignored);
            std::ofstream(folder_ + share + "/a") << "content";
            std::filesystem::create_directory(folder_ + share + "/b", ignored);
            std::filesystem::create_symlink("../beside", folder_ + share + "/c", ignored);
        }
    }
    void check() {
        require(std::holds_alternative<Rgetattr>(witness_->ask(Tgetattr{0})), "the witness isn't served");
        std::string text;
        std::ifstream(folder_ + "/beside") >> text;
        require(text == "untouched", "a file beside the share was changed");
        for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
            const std::string name = entry.path().filename();
            require(name == "data" || name == "keyed" || name == "beside" || name == "key" ||
                        name == "files.yaml" || name.starts_with("data.") || name.starts_with("keyed."),
                    "a file was made beside the share");
        }
    }
    // What was not synced is taken back, and a new server serves what is left.
    void lose_power(const std::string& torn, std::uint32_t seed) {
        const auto fault = parse_fault("power-loss", {{"torn", torn}, {"seed", std::to_string(seed)}});
        require(fault.has_value(), "the power loss is no fault");
        std::promise<void> lost;
        boost::asio::post(running_->context, [this, &lost, &fault] {
            running_->server.on_power_lost([&lost] { lost.set_value(); });
            require(running_->server.shares().at("share").faults->apply("loss", *fault).has_value(),
                    "the power isn't lost");
        });
        require(lost.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready,
                "the power wasn't lost after 10 s");
        end();
        start();
    }

    static constexpr const char* key = "a key of the fuzzer's own";

  private:
    struct Running {
        boost::asio::io_context context{1};
        io::EventWriter events{"files"};
        files::Server server{context, events};
        std::thread thread;
    };

    void start() {
        const std::uint16_t free = io::free_port();
        require(free != 0, "no port");
        std::ofstream(folder_ + "/files.yaml")
            << "listen: 127.0.0.1:" << free << "\nexports:\n  share: {path: " << folder_
            << "/data, quota: 4MiB, client_lease: 300ms, power_loss: true}\n  keyed: {path: " << folder_
            << "/keyed, client_lease: 300ms, key_file: " << folder_ << "/key}\n";
        const auto config = load_server_config(folder_ + "/files.yaml");
        require(config.has_value(), "the configuration");
        running_ = std::make_unique<Running>();
        require(running_->server.start(*config).has_value(), "the server doesn't start");
        port_ = running_->server.local_endpoint().port;
        running_->thread = std::thread([this] { running_->context.run(); });
        witness_ = std::make_unique<Peer>(port_);
        witness_->ask(Tversion{65536, "9P2000.L"});
        require(std::holds_alternative<Rattach>(witness_->ask(Tattach{0, no_fid, "witness", "share", 0})),
                "the witness can't attach");
    }
    void end() {
        witness_.reset();
        boost::asio::post(running_->context, [this] {
            running_->server.stop();
            running_->context.stop();
        });
        running_->thread.join();
        running_.reset();
    }

    std::string folder_;
    std::uint16_t port_ = 0;
    std::unique_ptr<Running> running_;
    std::unique_ptr<Peer> witness_;
};

}  // namespace understudy::files
