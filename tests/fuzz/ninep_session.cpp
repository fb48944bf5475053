// SPDX-License-Identifier: Apache-2.0
// Whole sessions against the real server, over loopback, on a temporary share: a run of messages made from
// the input with fids, tags and names that meet, and here and there bytes that are no message. Every reply
// must be one, to a request that was sent and of its kind. The connection must come to its end when nothing
// more is sent. Whatever happens, a witness on a connection of its own is served as before, and nothing
// beside the share is touched.
#include <arpa/inet.h>
#include <fuzzer/FuzzedDataProvider.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "base/io/unique_fd.hpp"
#include "storage/files/core/codec.hpp"
#include "storage/files/server/server.hpp"
#include "tests/support/free_port.hpp"

using namespace understudy;
using namespace understudy::files;

namespace {

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "ninep_session: %s\n", what);
    std::abort();
}

class Peer {  // a connection as a client has it
  public:
    explicit Peer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        int failure =
            ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
        if (failure == EINTR) {  // by the fuzzer's timer: the connection is made all the same
            pollfd made{socket_.get(), POLLOUT, 0};
            while (::poll(&made, 1, -1) < 0 && errno == EINTR) continue;
            socklen_t size = sizeof failure;
            ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
        }
        require(failure == 0, std::strerror(failure));
    }
    void send(std::string_view bytes) {  // the other end may have closed already
        while (!bytes.empty()) {
            ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    void finish() { ::shutdown(socket_.get(), SHUT_WR); }
    // The next reply; nothing at the end of the stream.
    std::optional<Message> receive() {
        std::string frame = exactly(4);
        if (frame.size() < 4) return std::nullopt;
        auto size = frame_size(frame, max_message_bytes);
        require(size.has_value(), "a reply has no proper size");
        frame += exactly(*size - 4);
        if (frame.size() < *size) return std::nullopt;  // cut off with its connection
        auto reply = decode(frame);
        require(reply.has_value(), "a reply can't be read");
        return std::move(*reply);
    }
    Body ask(Body request) {
        send(encode(
            {request.index() == Body(Tversion()).index() ? no_tag : std::uint16_t{1}, std::move(request)}));
        auto reply = receive();
        require(reply.has_value(), "the witness was cut off");
        return std::move(reply->body);
    }

  private:
    std::string exactly(std::size_t size) {
        std::string bytes(size, '\0');
        std::size_t done = 0;
        while (done < size) {
            pollfd wait = {socket_.get(), POLLIN, 0};
            const int ready = ::poll(&wait, 1, 10'000);
            if (ready < 0 && errno == EINTR) continue;  // libFuzzer's own alarm
            require(ready == 1, "no reply and no end for 10 s");
            ssize_t count = ::recv(socket_.get(), bytes.data() + done, size - done, 0);
            if (count <= 0) break;
            done += static_cast<std::size_t>(count);
        }
        bytes.resize(done);
        return bytes;
    }
    io::UniqueFd socket_;
};

class Service {
  public:
    Service() {
        spdlog::set_level(spdlog::level::off);
        ::signal(SIGPIPE, SIG_IGN);
        std::string pattern = (std::filesystem::temp_directory_path() / "understudy-fuzz-XXXXXX").string();
        require(::mkdtemp(pattern.data()) != nullptr, "no temporary folder");
        folder = pattern;
        const std::uint16_t free = test::free_port();
        require(free != 0, "no port");
        std::ofstream(folder + "/files.yaml")
            << "listen: 127.0.0.1:" << free << "\nexports: {share: {path: " << folder
            << "/data, quota: 4MiB, client_lease: 300ms}}\n";
        auto config = load_server_config(folder + "/files.yaml");
        require(config.has_value(), "the configuration");
        require(server.start(*config).has_value(), "the server doesn't start");
        port = server.local_endpoint().port;
        thread = std::thread([this] { context.run(); });
        std::ofstream(folder + "/beside") << "untouched";
        witness = std::make_unique<Peer>(port);
        witness->ask(Tversion{65536, "9P2000.L"});
        require(std::holds_alternative<Rattach>(witness->ask(Tattach{0, no_fid, "witness", "share", 0})),
                "the witness can't attach");
    }
    ~Service() {
        witness.reset();
        boost::asio::post(context, [this] {
            server.stop();
            context.stop();
        });
        thread.join();
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }
    void begin_anew() {
        std::error_code ignored;
        for (const auto& entry : std::filesystem::directory_iterator(folder + "/data", ignored))
            std::filesystem::remove_all(entry.path(), ignored);
        std::ofstream(folder + "/data/a") << "content";
        std::filesystem::create_directory(folder + "/data/b", ignored);
        std::filesystem::create_symlink("../beside", folder + "/data/c", ignored);
    }
    void check() {
        require(std::holds_alternative<Rgetattr>(witness->ask(Tgetattr{0})), "the witness isn't served");
        std::string text;
        std::ifstream(folder + "/beside") >> text;
        require(text == "untouched", "a file beside the share was changed");
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            std::string name = entry.path().filename();
            require(name == "data" || name == "beside" || name == "files.yaml" || name.starts_with("data."),
                    "a file was made beside the share");
        }
    }

    std::string folder;
    std::uint16_t port = 0;
    boost::asio::io_context context{1};
    io::EventWriter events{"files"};
    files::Server server{context, events};
    std::thread thread;
    std::unique_ptr<Peer> witness;
};

std::string name_from(FuzzedDataProvider& input) {
    static const char* const names[] = {
        "a", "b", "c", "d", "..", ".", "", "a/b", "/", "../beside", "b/../../beside"};
    if (input.ConsumeBool()) return names[input.ConsumeIntegralInRange<std::size_t>(0, 3)];
    if (input.ConsumeBool()) return names[input.ConsumeIntegralInRange<std::size_t>(0, std::size(names) - 1)];
    std::string name = input.ConsumeRandomLengthString(300);
    std::erase(name, '\0');
    return name;
}

// A field of a message: numbers that are small or at an edge, names that are there.
struct Filler {
    FuzzedDataProvider& input;

    template <typename... Fields>
    void operator()(Fields&... fields) {
        (fill(fields), ...);
    }
    template <std::unsigned_integral Number>
    void fill(Number& number) {
        switch (input.ConsumeIntegralInRange(0, 7)) {
            case 0:
                number = static_cast<Number>(-1);
                break;
            case 1:
                number = input.ConsumeIntegral<Number>();
                break;
            case 2:
                number = static_cast<Number>(static_cast<Number>(-1) >> 1);
                break;
            default:
                number = input.ConsumeIntegralInRange<Number>(0, 6);
        }
    }
    void fill(std::string& text) { text = name_from(input); }
    void fill(Bytes& bytes) { bytes.value = input.ConsumeRandomLengthString(5000); }
    void fill(Qid& qid) { qid = {}; }
    void fill(std::vector<std::string>& names) {
        names.resize(input.ConsumeIntegralInRange<std::size_t>(0, 3));
        for (std::string& name : names) name = name_from(input);
    }
    void fill(std::vector<Qid>& qids) { qids.resize(1); }
};

template <std::size_t... Index>
Body body_from(FuzzedDataProvider& input, std::size_t which, std::index_sequence<Index...>) {
    Body body;
    auto make = [&]<std::size_t I>() {
        if (which != I) return;
        std::variant_alternative_t<I, Body> message;
        message.fields(message, Filler{input});
        // What would make the server read a gigabyte for nothing is capped by the message size anyway.
        body = std::move(message);
    };
    (make.template operator()<Index>(), ...);
    return body;
}

void attach(FuzzedDataProvider& input, std::string& stream) {
    static const char* const users[] = {"plain", "x#1", "x#1#resume", "x#2", "y#1", "#", "x#"};
    stream += encode({no_tag, Tversion{input.ConsumeBool() ? 65536U : 8192U, "9P2000.L"}});
    const char* user = users[input.ConsumeIntegralInRange<std::size_t>(0, std::size(users) - 1)];
    stream += encode({0, Tattach{0, no_fid, user, "share", 0}});
    stream += encode({1, Twalk{0, 1, {"a"}}});
    stream += encode({2, Twalk{0, 2, {"b"}}});
    stream += encode({3, Twalk{0, 3, {}}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Service& service = *[] {  // never destroyed: it serves until the process ends
        static Service* made = new Service;
        std::atexit([] {
            std::error_code ignored;
            std::filesystem::remove_all(made->folder, ignored);
        });
        return made;
    }();
    FuzzedDataProvider input(data, size);
    service.begin_anew();
    Peer peer(service.port);
    std::string stream;
    bool proper = true;
    std::map<std::uint16_t, std::set<std::uint8_t>> asked;  // tag: the types sent under it
    attach(input, stream);
    asked = {{no_tag, {100}}, {0, {104}}, {1, {110}}, {2, {110}}, {3, {110}}};
    for (int i = 0; i < 60 && input.remaining_bytes() > 0; ++i) {
        std::size_t which = input.ConsumeIntegralInRange<std::size_t>(0, std::variant_size_v<Body> + 1);
        if (which >= std::variant_size_v<Body>) {
            stream += input.ConsumeRandomLengthString(64);
            proper = false;
            continue;
        }
        Body body = body_from(input, which, std::make_index_sequence<std::variant_size_v<Body>>());
        auto tag = input.ConsumeIntegralInRange<std::uint16_t>(0, 9);
        std::string frame = encode({tag, std::move(body)});
        asked[tag].insert(static_cast<std::uint8_t>(frame[4]));
        stream += frame;
    }
    std::thread sender([&] {
        peer.send(stream);
        peer.finish();
    });
    while (auto reply = peer.receive()) {
        std::string frame = encode(*reply);
        auto type = static_cast<std::uint8_t>(frame[4]);
        constexpr std::uint8_t rlerror = 7;
        if (!proper) continue;  // the noise may have been a request
        require(asked.contains(reply->tag), "a reply to a tag that was never sent");
        require(type == rlerror || asked[reply->tag].contains(static_cast<std::uint8_t>(type - 1)),
                "a reply of another kind than its request");
    }
    sender.join();
    service.check();
    return 0;
}
