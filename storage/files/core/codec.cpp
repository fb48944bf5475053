// SPDX-License-Identifier: Apache-2.0
#include "storage/files/core/codec.hpp"

#include <fmt/format.h>

#include <array>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"

namespace understudy::files {
namespace {

class Writer {
  public:
    // With `data` what has a four-byte length is moved there instead of being appended.
    explicit Writer(std::string& out, std::string* data = nullptr) : out_(out), data_(data) {}

    template <typename... Fields>
    void operator()(Fields&... fields) {
        (put(fields), ...);
    }

    template <typename Integer>
    requires std::is_integral_v<Integer>
    void put(Integer value) {
        for (std::size_t i = 0; i < sizeof(Integer); ++i)
            out_.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xff));
    }
    void put(const std::string& text) {
        UNDERSTUDY_ASSERT(text.size() <= 0xffff, "a 9P string has at most 65535 bytes");
        put(static_cast<std::uint16_t>(text.size()));
        out_ += text;
    }
    void put(const Bytes& data) {
        put(static_cast<std::uint32_t>(data.value.size()));
        out_ += data.value;
    }
    void put(Bytes& data) {
        if (data_ == nullptr) return put(std::as_const(data));
        put(static_cast<std::uint32_t>(data.value.size()));
        *data_ = std::move(data.value);
    }
    void put(const Qid& qid) {
        put(qid.type);
        put(qid.version);
        put(qid.path);
    }
    template <typename T>
    void put(const std::vector<T>& items) {
        put(static_cast<std::uint16_t>(items.size()));
        for (const T& item : items) put(item);
    }

  private:
    std::string& out_;
    std::string* data_;
};

class Reader {
  public:
    // `data`: what follows `in`, to be taken whole.
    explicit Reader(std::string_view in, std::string* data = nullptr) : in_(in), data_(data) {}

    template <typename... Fields>
    void operator()(Fields&... fields) {
        (take(fields), ...);
    }

    template <typename Integer>
    requires std::is_integral_v<Integer>
    void take(Integer& value) {
        std::string_view raw = bytes(sizeof(Integer));
        std::uint64_t whole = 0;
        for (std::size_t i = 0; i < raw.size(); ++i)
            whole |= static_cast<std::uint64_t>(static_cast<unsigned char>(raw[i])) << (8 * i);
        value = static_cast<Integer>(whole);
    }
    void take(std::string& text) {
        std::uint16_t length = 0;
        take(length);
        text = std::string(bytes(length));
        if (text.find('\0') != std::string::npos) fail("a string holds a NUL");
    }
    void take(Bytes& data) {
        std::uint32_t length = 0;
        take(length);
        if (data_ == nullptr || !in_.empty() || length != data_->size()) {
            data.value = std::string(bytes(length));
        } else {
            data.value = std::move(*data_);
            data_ = nullptr;
        }
    }
    void take(Qid& qid) {
        take(qid.type);
        take(qid.version);
        take(qid.path);
    }
    template <typename T>
    void take(std::vector<T>& items) {
        std::uint16_t count = 0;
        take(count);
        if (count > max_walk_names) return fail("a walk has more than 16 names");
        for (std::uint16_t i = 0; i < count && reason_ == nullptr; ++i) take(items.emplace_back());
    }

    const char* reason() const { return reason_; }
    std::string_view rest() const { return in_; }
    std::size_t left() const { return in_.size() + (data_ == nullptr ? 0 : data_->size()); }

  private:
    std::string_view bytes(std::size_t count) {
        if (reason_ != nullptr || count > in_.size()) {
            fail("a field passes the end of the message");
            return {};
        }
        std::string_view taken = in_.substr(0, count);
        in_.remove_prefix(count);
        return taken;
    }
    void fail(const char* reason) {
        if (reason_ == nullptr) reason_ = reason;
    }
    std::string_view in_;
    std::string* data_;
    const char* reason_ = nullptr;
};

template <std::size_t Index = 0>
bool emplace_type(Body& body, std::uint8_t type) {
    if constexpr (Index == std::variant_size_v<Body>) {
        return false;
    } else {
        if (std::variant_alternative_t<Index, Body>::type_number != type)
            return emplace_type<Index + 1>(body, type);
        body.emplace<Index>();
        return true;
    }
}

constexpr std::array<const char*, std::variant_size_v<Body>> type_names = {
    "Rlerror",      "Tstatfs",      "Rstatfs",   "Tlopen",    "Rlopen",   "Tlcreate",   "Rlcreate",
    "Tsymlink",     "Rsymlink",     "Tmknod",    "Rmknod",    "Trename",  "Rrename",    "Treadlink",
    "Rreadlink",    "Tgetattr",     "Rgetattr",  "Tsetattr",  "Rsetattr", "Txattrwalk", "Rxattrwalk",
    "Txattrcreate", "Rxattrcreate", "Treaddir",  "Rreaddir",  "Tfsync",   "Rfsync",     "Tlock",
    "Rlock",        "Tgetlock",     "Rgetlock",  "Tlink",     "Rlink",    "Tmkdir",     "Rmkdir",
    "Trenameat",    "Rrenameat",    "Tunlinkat", "Runlinkat", "Tversion", "Rversion",   "Tauth",
    "Rauth",        "Tattach",      "Rattach",   "Tflush",    "Rflush",   "Twalk",      "Rwalk",
    "Tread",        "Rread",        "Twrite",    "Rwrite",    "Tclunk",   "Rclunk",     "Tremove",
    "Rremove"};

void put_size(std::string& head, std::size_t size) {
    for (std::size_t i = 0; i < 4; ++i) head[i] = static_cast<char>(size >> (8 * i) & 0xff);
}

Result<Message> decode_pieces(std::string_view head, std::string* data) {
    UNDERSTUDY_TRY(std::uint32_t size, frame_size(head, 0xffffffff));
    if (size != head.size() + (data == nullptr ? 0 : data->size()) || head.size() < frame_header_bytes)
        return Error(ErrorKind::failed, "9P message", "its size field is not its size").with_number(size);
    auto type = static_cast<std::uint8_t>(head[4]);
    Message message;
    Reader header(head.substr(5, 2));
    header.take(message.tag);
    if (!emplace_type(message.body, type))
        return Error(ErrorKind::failed, "9P message", "unknown type").with_number(type);
    Reader reader(head.substr(frame_header_bytes), data);
    std::visit([&](auto& body) { body.fields(body, reader); }, message.body);
    if (reader.reason() != nullptr) return Error(ErrorKind::failed, type_name(message.body), reader.reason());
    if (reader.left() != 0)
        return Error(ErrorKind::failed, type_name(message.body), "bytes are left over")
            .with_number(static_cast<std::int64_t>(reader.left()));
    return message;
}

}  // namespace

std::string encode(const Message& message) {
    std::string frame(4, '\0');
    Writer writer(frame);
    std::visit(
        [&](const auto& body) {
            writer(body.type_number, message.tag);
            body.fields(body, writer);
        },
        message.body);
    put_size(frame, frame.size());
    return frame;
}

Frame encode_frame(Message message) {
    Frame frame;
    frame.head.resize(4);
    Writer writer(frame.head, &frame.data);
    std::visit(
        [&](auto& body) {
            writer(body.type_number, message.tag);
            body.fields(body, writer);
        },
        message.body);
    put_size(frame.head, frame.size());
    return frame;
}

Result<Message> decode(std::string_view frame) {
    return decode_pieces(frame, nullptr);
}

Result<Message> decode(Frame frame) {
    return decode_pieces(frame.head, frame.data.empty() ? nullptr : &frame.data);
}

std::size_t bytes_before_data(std::uint8_t type) {
    constexpr std::size_t length_bytes = 4;
    if (type == Rread::type_number || type == Rreaddir::type_number) return frame_header_bytes + length_bytes;
    if (type == Twrite::type_number)
        return frame_header_bytes + sizeof(Twrite::fid) + sizeof(Twrite::offset) + length_bytes;
    return 0;
}

Result<std::uint32_t> frame_size(std::string_view first_four_bytes, std::uint32_t limit) {
    std::uint32_t size = 0;
    Reader reader(first_four_bytes);
    reader.take(size);
    if (reader.reason() != nullptr || size < frame_header_bytes)
        return Error(ErrorKind::failed, "9P message", "shorter than its header").with_number(size);
    if (size > limit)
        return Error(ErrorKind::failed, "9P message", "longer than the agreed msize").with_number(size);
    return size;
}

bool append_entry(std::string& entries, const DirectoryEntry& entry, std::size_t limit) {
    if (entries.size() + 24 + entry.name.size() > limit) return false;
    Writer writer(entries);
    writer(entry.qid, entry.next_offset, entry.type, entry.name);
    return true;
}

Result<std::vector<DirectoryEntry>> decode_entries(std::string_view entries) {
    std::vector<DirectoryEntry> all;
    while (!entries.empty()) {
        DirectoryEntry entry;
        Reader reader(entries);
        reader(entry.qid, entry.next_offset, entry.type, entry.name);
        if (reader.reason() != nullptr) return Error(ErrorKind::failed, "Rreaddir", reader.reason());
        entries = reader.rest();
        all.push_back(std::move(entry));
    }
    return all;
}

const char* type_name(const Body& body) {
    return type_names[body.index()];
}

}  // namespace understudy::files
