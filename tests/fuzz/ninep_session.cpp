// SPDX-License-Identifier: Apache-2.0
// Whole sessions against the real server, over loopback, on a temporary share: a run of messages made from
// the input with fids, tags and names that meet, and here and there bytes that are no message. Every reply
// must be one, to a request that was sent and of its kind. The connection must come to its end when nothing
// more is sent. Whatever happens, a witness on a connection of its own is served as before, and nothing
// beside the share is touched. Some sessions begin with the proof of a share's key, good or bad; after some
// the power is lost, and the share must be served again.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <cstdlib>
#include <set>
#include <thread>

#include "storage/files/io/share_key.hpp"
#include "tests/fuzz/ninep_service.hpp"

using namespace understudy;
using namespace understudy::files;

namespace {

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

// Opens the share with the key, or tries to; nothing that it gets is a surprise to `attach`.
std::string prove_key(FuzzedDataProvider& input, Peer& peer, const char* user) {
    peer.ask(Tversion{65536, "9P2000.L"});
    peer.ask(Tauth{6, user, input.ConsumeBool() ? "keyed" : "share", no_user});
    const Body nonce = peer.ask(Tread{6, input.ConsumeIntegralInRange<std::uint64_t>(0, 40), nonce_bytes});
    std::string proof = input.ConsumeRandomLengthString(40);
    if (const auto* read = std::get_if<Rread>(&nonce); read != nullptr && input.ConsumeBool())
        proof = attach_proof(Service::key, read->data.value, user, "keyed");
    peer.ask(Twrite{6, 0, Bytes{proof}});
    return encode({0, Tattach{0, 6, user, "keyed", no_user}});
}

void attach(FuzzedDataProvider& input, Peer& peer, std::string& stream) {
    static const char* const users[] = {"plain", "x#1", "x#1#resume", "x#2", "y#1", "#", "x#"};
    const char* user = users[input.ConsumeIntegralInRange<std::size_t>(0, std::size(users) - 1)];
    if (input.ConsumeBool()) {
        stream += encode({no_tag, Tversion{input.ConsumeBool() ? 65536U : 8192U, "9P2000.L"}});
        stream += encode({0, Tattach{0, no_fid, user, "share", 0}});
    } else {
        stream += prove_key(input, peer, user);
    }
    stream += encode({1, Twalk{0, 1, {"a"}}});
    stream += encode({2, Twalk{0, 2, {"b"}}});
    stream += encode({3, Twalk{0, 3, {}}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Service& service = *[] {
        fresh_nonce();  // OpenSSL's end is registered before the service's, so that it comes after it
        static Service* made = new Service;
        std::atexit([] { delete made; });
        return made;
    }();
    FuzzedDataProvider input(data, size);
    service.begin_anew();
    Peer peer(service.port());
    std::string stream;
    bool proper = true;
    std::map<std::uint16_t, std::set<std::uint8_t>> asked;  // tag: the types sent under it
    attach(input, peer, stream);
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
    if (input.ConsumeIntegralInRange(0, 31) == 31) {
        static const char* const torn[] = {"none", "pages", "sectors"};
        service.lose_power(torn[input.ConsumeIntegralInRange(0, 2)], input.ConsumeIntegral<std::uint32_t>());
        service.check();
    }
    return 0;
}
