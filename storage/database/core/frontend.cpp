// SPDX-License-Identifier: Apache-2.0
#include "storage/database/core/frontend.hpp"

#include <fmt/format.h>

#include "base/assert.hpp"

namespace understudy::database {
namespace {

constexpr std::int32_t ssl_request_code = 80877103;
constexpr std::int32_t gss_request_code = 80877104;
constexpr std::int32_t cancel_request_code = 80877102;

SqlError violation(std::string message) {
    return {sqlstate::protocol_violation, std::move(message), {}, true};
}

std::uint32_t big_endian(std::string_view bytes) {
    std::uint32_t value = 0;
    for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
}

// Reads one message body. The first read past the end sets failed(), and whatever is read then is zero or
// empty.
class BodyReader {
  public:
    explicit BodyReader(std::string_view body) : rest_(body) {}

    std::int16_t int16() { return static_cast<std::int16_t>(big_endian(take(2))); }
    std::int32_t int32() { return static_cast<std::int32_t>(big_endian(take(4))); }
    std::string_view take(std::size_t count) {
        if (count > rest_.size()) {
            failed_ = true;
            rest_ = {};
            return {};
        }
        const std::string_view bytes = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return bytes;
    }
    std::string string() {
        const auto end = rest_.find('\0');
        if (end == std::string_view::npos) {
            failed_ = true;
            rest_ = {};
            return {};
        }
        std::string text(rest_.substr(0, end));
        rest_.remove_prefix(end + 1);
        return text;
    }
    // A count of items that take at least `item_bytes` each: a count that can't fit is refused before it is
    // believed.
    std::size_t count(std::size_t item_bytes) {
        const auto value = static_cast<std::uint16_t>(int16());
        if (value * item_bytes > rest_.size()) failed_ = true;
        return failed_ ? 0 : value;
    }
    bool failed() const { return failed_; }
    bool whole() const { return !failed_ && rest_.empty(); }
    bool empty() const { return rest_.empty(); }
    std::size_t remaining() const { return rest_.size(); }

  private:
    std::string_view rest_;
    bool failed_ = false;
};

std::vector<std::int16_t> read_formats(BodyReader& body) {
    std::vector<std::int16_t> formats(body.count(2));
    for (auto& format : formats) format = body.int16();
    return formats;
}

SqlResult<FrontendMessage> read_bind(BodyReader& body) {
    Bind bind;
    bind.portal = body.string();
    bind.statement = body.string();
    bind.parameter_formats = read_formats(body);
    const std::size_t parameters = body.count(4);
    for (std::size_t i = 0; i < parameters && !body.failed(); ++i) {
        const std::int32_t length = body.int32();
        if (length < -1) return violation(fmt::format("Bind: parameter {} has length {}", i + 1, length));
        if (length == -1)
            bind.parameters.emplace_back();
        else
            bind.parameters.emplace_back(std::string(body.take(static_cast<std::size_t>(length))));
    }
    bind.result_formats = read_formats(body);
    for (const auto* formats : {&bind.parameter_formats, &bind.result_formats})
        for (const std::int16_t format : *formats)
            if (format != 0 && format != 1)
                return violation(fmt::format("Bind: unknown format code {}", format));
    if (bind.parameter_formats.size() > 1 && bind.parameter_formats.size() != bind.parameters.size())
        return violation(fmt::format("Bind: {} parameter formats for {} parameters",
                                     bind.parameter_formats.size(), bind.parameters.size()));
    return FrontendMessage(std::move(bind));
}

template <typename Message>
SqlResult<FrontendMessage> read_target(BodyReader& body, const char* what) {
    const auto kind = body.take(1);
    if (kind != "S" && kind != "P")
        return violation(fmt::format("{}: neither a statement nor a portal is named", what));
    Message message;
    message.target = kind == "S" ? Target::statement : Target::portal;
    message.name = body.string();
    return FrontendMessage(std::move(message));
}

SqlResult<FrontendMessage> read_body(char type, BodyReader& body) {
    switch (type) {
        case 'p':
            return FrontendMessage(AuthenticationData{std::string(body.take(body.remaining()))});
        case 'Q':
            return FrontendMessage(Query{body.string()});
        case 'P': {
            Parse parse;
            parse.statement = body.string();
            parse.sql = body.string();
            parse.parameter_types.resize(body.count(4));
            for (auto& type_oid : parse.parameter_types) type_oid = static_cast<std::uint32_t>(body.int32());
            return FrontendMessage(std::move(parse));
        }
        case 'B':
            return read_bind(body);
        case 'D':
            return read_target<Describe>(body, "Describe");
        case 'C':
            return read_target<Close>(body, "Close");
        case 'E': {
            Execute execute;
            execute.portal = body.string();
            execute.row_limit = body.int32();
            return FrontendMessage(std::move(execute));
        }
        case 'S':
            return FrontendMessage(Sync{});
        case 'H':
            return FrontendMessage(Flush{});
        case 'X':
            return FrontendMessage(Terminate{});
        case 'F':
            body.take(body.remaining());
            return FrontendMessage(FunctionCall{});
        case 'd':
            return FrontendMessage(CopyData{std::string(body.take(body.remaining()))});
        case 'c':
            return FrontendMessage(CopyDone{});
        case 'f':
            return FrontendMessage(CopyFail{body.string()});
        default:
            return violation(
                fmt::format("invalid frontend message type {}", static_cast<unsigned char>(type)));
    }
}

}  // namespace

void FrontendDecoder::append(std::string_view bytes) {
    if (position_ > 0) {
        buffer_.erase(0, position_);
        position_ = 0;
    }
    buffer_.append(bytes);
}

SqlResult<std::optional<FrontendMessage>> FrontendDecoder::next() {
    if (startup_) return next_startup();
    const std::string_view rest = std::string_view(buffer_).substr(position_);
    if (rest.empty()) return std::optional<FrontendMessage>{};
    constexpr std::string_view known = "pQPBDCESHXFdcf";
    if (known.find(rest[0]) == std::string_view::npos)  // said at once: its length means nothing
        return violation(
            fmt::format("invalid frontend message type {}", static_cast<unsigned char>(rest[0])));
    if (rest.size() < 5) return std::optional<FrontendMessage>{};
    const std::uint32_t length = big_endian(rest.substr(1, 4));
    if (length < 4 || length > limit_)
        return violation(
            fmt::format("message '{}' has length {}, allowed are 4 to {}", rest[0], length, limit_));
    if (rest.size() < length + 1) return std::optional<FrontendMessage>{};
    BodyReader body(rest.substr(5, length - 4));
    auto message = read_body(rest[0], body);
    if (message.has_error()) return message.error();
    if (body.failed()) return violation(fmt::format("message '{}' ends before its contents do", rest[0]));
    if (!body.whole())
        return violation(fmt::format("message '{}' has {} bytes too many", rest[0], body.remaining()));
    position_ += length + 1;
    return std::optional<FrontendMessage>(std::move(*message));
}

SqlResult<std::optional<FrontendMessage>> FrontendDecoder::next_startup() {
    const std::string_view rest = std::string_view(buffer_).substr(position_);
    if (rest.size() < 4) return std::optional<FrontendMessage>{};
    const std::uint32_t length = big_endian(rest.substr(0, 4));
    if (length < 8 || length > max_startup_bytes)
        return violation(fmt::format("invalid length of startup packet: {}, allowed are 8 to {}", length,
                                     max_startup_bytes));
    if (rest.size() < length) return std::optional<FrontendMessage>{};
    BodyReader body(rest.substr(4, length - 4));
    position_ += length;
    const std::int32_t code = body.int32();
    if (code == ssl_request_code || code == gss_request_code) {
        if (!body.empty()) return violation("an encryption request has 8 bytes");
        // Its client awaits the answer first. What came with it may be another's, to be taken for the
        // client's once the connection is encrypted (CVE-2021-23214).
        if (buffered() > 0) return violation("received unencrypted data after an encryption request");
        return std::optional<FrontendMessage>(code == ssl_request_code
                                                  ? FrontendMessage(SslRequest{})
                                                  : FrontendMessage(GssEncryptionRequest{}));
    }
    if (code == cancel_request_code) {
        CancelRequest cancel;
        cancel.process_id = body.int32();
        cancel.secret = body.int32();
        if (!body.whole()) return violation("a cancel request has 16 bytes");
        return std::optional<FrontendMessage>(cancel);
    }
    if (code >> 16 != 3)
        return SqlError{sqlstate::feature_not_supported,
                        fmt::format("unsupported frontend protocol {}.{}: server supports 3.0", code >> 16,
                                    code & 0xffff),
                        {},
                        true};
    StartupMessage startup;
    startup.minor_version = code & 0xffff;
    while (true) {
        std::string name = body.string();
        if (body.failed())
            return violation("invalid startup packet layout: expected terminator as last byte");
        if (name.empty()) break;
        std::string value = body.string();
        if (body.failed()) return violation(fmt::format("startup parameter \"{}\" has no value", name));
        startup.parameters[std::move(name)] = std::move(value);
    }
    if (!body.whole()) return violation("invalid startup packet layout: expected terminator as last byte");
    startup_ = false;
    return std::optional<FrontendMessage>(std::move(startup));
}

std::int16_t format_at(const std::vector<std::int16_t>& formats, std::size_t index) {
    if (formats.empty()) return 0;
    if (formats.size() == 1) return formats[0];
    UNDERSTUDY_ASSERT(index < formats.size(), "the number of format codes was checked");
    return formats[index];
}

}  // namespace understudy::database
