// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/core/codec.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

namespace understudy::vmctl {
namespace {

// Not text, and with both byte orders' halves different: no log or exec output looks like it by chance.
constexpr std::array<unsigned char, 16> magic = {0xf5, 'U', 0x00, 'n', 0xd3, 0x1c, 'r', 0x9e,
                                                 0xff, 's', 0x17, 't', 0xa8, 0x02, 'd', 0xc6};

std::string little_endian(std::uint64_t value, int bytes) {
    std::string text;
    for (int index = 0; index < bytes; ++index)
        text.push_back(static_cast<char>(value >> (8 * index) & 0xff));
    return text;
}

std::uint64_t from_little_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t index = bytes.size(); index-- > 0;)
        value = value << 8 | static_cast<unsigned char>(bytes[index]);
    return value;
}

std::uint64_t fnv1a(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    return hash;
}

std::string magic_text() {
    return std::string(magic.begin(), magic.end());
}

template <typename T>
json::array strings(const T& values) {
    json::array array;
    for (const auto& value : values) array.emplace_back(value);
    return array;
}

json::object map_object(const std::map<std::string, std::string>& values) {
    json::object object;
    for (const auto& [name, value] : values) object[name] = value;
    return object;
}

json::object to_json(const HostConfig& config) {
    json::object object{{"hostname", config.hostname},
                        {"resolv_conf", config.resolv_conf},
                        {"hosts_file", config.hosts_file}};
    if (config.interface)
        object["interface"] = json::object{{"name", config.interface->name},
                                           {"addresses", strings(config.interface->addresses)},
                                           {"gateway", config.interface->gateway}};
    json::array files;
    for (const FileConfig& file : config.files)
        files.push_back(json::object{{"path", file.path}, {"mode", file.mode}, {"content", file.content}});
    object["files"] = std::move(files);
    json::array units;
    for (const UnitSpec& unit : config.units)
        units.push_back(json::object{{"name", unit.name},
                                     {"argv", strings(unit.argv)},
                                     {"environment", map_object(unit.environment)},
                                     {"requires", strings(unit.requires_units)},
                                     {"restart", to_string(unit.restart)},
                                     {"restart_delay_ns", unit.restart_delay.count()},
                                     {"stop_timeout_ns", unit.stop_timeout.count()},
                                     {"working_directory", unit.working_directory}});
    object["units"] = std::move(units);
    return object;
}

// Reads members; the first mistake is kept and everything after it yields defaults.
class Reader {
  public:
    explicit Reader(const json::object& object, std::string& mistake) : object_(object), mistake_(mistake) {}

    std::string text(const char* name) const {
        const json::value* value = object_.if_contains(name);
        if (value != nullptr && value->is_string()) return std::string(value->get_string());
        wrong(name);
        return {};
    }
    std::int64_t integer(const char* name) const {
        const json::value* value = object_.if_contains(name);
        if (value != nullptr && value->is_int64()) return value->get_int64();
        if (value != nullptr && value->is_uint64()) return static_cast<std::int64_t>(value->get_uint64());
        wrong(name);
        return 0;
    }
    std::optional<int> optional_integer(const char* name) const {
        if (!object_.contains(name)) return std::nullopt;
        return static_cast<int>(integer(name));
    }
    bool boolean(const char* name) const {
        const json::value* value = object_.if_contains(name);
        if (value != nullptr && value->is_bool()) return value->get_bool();
        wrong(name);
        return false;
    }
    const json::array& array(const char* name) const {
        static const json::array empty;
        const json::value* value = object_.if_contains(name);
        if (value != nullptr && value->is_array()) return value->get_array();
        wrong(name);
        return empty;
    }
    std::vector<std::string> texts(const char* name) const {
        std::vector<std::string> result;
        for (const json::value& value : array(name)) {
            if (value.is_string())
                result.emplace_back(value.get_string());
            else
                wrong(name);
        }
        return result;
    }
    const json::object& object(const char* name) const {
        static const json::object empty;
        const json::value* value = object_.if_contains(name);
        if (value != nullptr && value->is_object()) return value->get_object();
        wrong(name);
        return empty;
    }
    std::map<std::string, std::string> map(const char* name) const {
        std::map<std::string, std::string> result;
        for (const auto& member : object(name)) {
            if (member.value().is_string())
                result.emplace(member.key(), member.value().get_string());
            else
                wrong(name);
        }
        return result;
    }
    template <typename Each>
    void objects(const char* name, Each each) const {
        for (const json::value& value : array(name)) {
            if (value.is_object())
                each(Reader(value.get_object(), mistake_));
            else
                wrong(name);
        }
    }
    Reader inner(const char* name) const { return Reader(object(name), mistake_); }
    bool has(const char* name) const { return object_.contains(name); }
    void wrong(const char* name) const {
        if (mistake_.empty()) mistake_ = std::string("member ") + name + " is missing or of the wrong type";
    }

  private:
    const json::object& object_;
    std::string& mistake_;
};

HostConfig read_config(const Reader& reader) {
    HostConfig config;
    config.hostname = reader.text("hostname");
    config.resolv_conf = reader.text("resolv_conf");
    config.hosts_file = reader.text("hosts_file");
    if (reader.has("interface")) {
        const Reader interface = reader.inner("interface");
        config.interface =
            InterfaceConfig{interface.text("name"), interface.texts("addresses"), interface.text("gateway")};
    }
    reader.objects("files", [&](const Reader& file) {
        config.files.push_back(
            {file.text("path"), static_cast<std::uint32_t>(file.integer("mode")), file.text("content")});
    });
    reader.objects("units", [&](const Reader& unit) {
        UnitSpec spec;
        spec.name = unit.text("name");
        spec.argv = unit.texts("argv");
        spec.environment = unit.map("environment");
        spec.requires_units = unit.texts("requires");
        const std::string restart = unit.text("restart");
        if (restart == "always")
            spec.restart = RestartPolicy::always;
        else if (restart == "on_failure")
            spec.restart = RestartPolicy::on_failure;
        else if (restart == "never")
            spec.restart = RestartPolicy::never;
        else
            unit.wrong("restart");
        spec.restart_delay = Duration(unit.integer("restart_delay_ns"));
        spec.stop_timeout = Duration(unit.integer("stop_timeout_ns"));
        spec.working_directory = unit.text("working_directory");
        config.units.push_back(std::move(spec));
    });
    return config;
}

// The bodies of the raw messages: a stream byte and an id or a length-prefixed name, then the bytes.
template <typename T>
std::string body(const T& message) {
    if constexpr (std::is_same_v<T, Configure>)
        return json::serialize(to_json(message.config));
    else if constexpr (std::is_same_v<T, StartUnit> || std::is_same_v<T, StopUnit>)
        return json::serialize(json::object{{"unit", message.unit}});
    else if constexpr (std::is_same_v<T, SignalUnit>)
        return json::serialize(json::object{{"unit", message.unit}, {"signal", message.signal}});
    else if constexpr (std::is_same_v<T, Exec>)
        return json::serialize(json::object{{"id", message.id},
                                            {"argv", strings(message.argv)},
                                            {"environment", map_object(message.environment)},
                                            {"tty", message.tty},
                                            {"rows", message.rows},
                                            {"columns", message.columns}});
    else if constexpr (std::is_same_v<T, ExecInput>)
        return little_endian(message.id, 4) + message.bytes;
    else if constexpr (std::is_same_v<T, ExecCloseInput>)
        return little_endian(message.id, 4);
    else if constexpr (std::is_same_v<T, ExecResize>)
        return json::serialize(
            json::object{{"id", message.id}, {"rows", message.rows}, {"columns", message.columns}});
    else if constexpr (std::is_same_v<T, ExecSignal>)
        return json::serialize(json::object{{"id", message.id}, {"signal", message.signal}});
    else if constexpr (std::is_same_v<T, Shutdown>)
        return {};
    else if constexpr (std::is_same_v<T, Ping>)
        return little_endian(message.token, 8);
    else if constexpr (std::is_same_v<T, Hello>)
        return json::serialize(json::object{{"version", message.version}, {"fresh", message.fresh}});
    else if constexpr (std::is_same_v<T, Configured>)
        return message.error;
    else if constexpr (std::is_same_v<T, EventLine>)
        return little_endian(message.unit.size(), 2) + message.unit + message.line;
    else if constexpr (std::is_same_v<T, LogChunk>)
        return static_cast<char>(message.stream) + little_endian(message.unit.size(), 2) + message.unit +
               message.bytes;
    else if constexpr (std::is_same_v<T, UnitState>) {
        json::object object{
            {"unit", message.unit}, {"state", to_string(message.state)}, {"restarts", message.restarts}};
        if (message.pid) object["pid"] = *message.pid;
        if (message.exit_status) object["exit_status"] = *message.exit_status;
        if (message.exit_signal) object["exit_signal"] = *message.exit_signal;
        return json::serialize(object);
    } else if constexpr (std::is_same_v<T, ExecOutput>)
        return static_cast<char>(message.stream) + little_endian(message.id, 4) + message.bytes;
    else if constexpr (std::is_same_v<T, ExecExit>)
        return little_endian(message.id, 4) + little_endian(static_cast<std::uint32_t>(message.status), 4);
    else if constexpr (std::is_same_v<T, ExecFailed>)
        return little_endian(message.id, 4) + message.reason;
    else {
        static_assert(std::is_same_v<T, Pong>);
        return little_endian(message.token, 8) +
               little_endian(static_cast<std::uint64_t>(message.memory_total_kib), 8) +
               little_endian(static_cast<std::uint64_t>(message.memory_available_kib), 8);
    }
}

Error malformed(const std::string& reason) {
    return Error(ErrorKind::bad_input, "agent stream", reason);
}

Result<OutputStream> stream_of(char byte) {
    if (byte == 1) return OutputStream::standard_output;
    if (byte == 2) return OutputStream::standard_error;
    return malformed("a stream that is neither 1 nor 2");
}

std::uint32_t id_at(std::string_view text, std::size_t from) {
    return static_cast<std::uint32_t>(from_little_endian(text.substr(from, 4)));
}

constexpr std::array<std::size_t, std::variant_size_v<Message>> least_body = {2, 2, 2, 2, 2, 4, 4, 2, 2, 0,
                                                                              8, 2, 0, 2, 3, 2, 5, 8, 4, 24};

Result<Message> read_raw(std::size_t type, std::string_view text) {
    switch (type) {
        case 5:
            return Message(ExecInput{id_at(text, 0), std::string(text.substr(4))});
        case 6:
            return Message(ExecCloseInput{id_at(text, 0)});
        case 9:
            return Message(Shutdown{});
        case 10:
            return Message(Ping{from_little_endian(text.substr(0, 8))});
        case 12:
            return Message(Configured{std::string(text)});
        case 13:
        case 14: {
            const std::size_t start = type == 14 ? 1 : 0;
            const std::size_t length = from_little_endian(text.substr(start, 2));
            if (text.size() < start + 2 + length) return malformed("a unit name longer than its frame");
            std::string unit(text.substr(start + 2, length));
            std::string rest(text.substr(start + 2 + length));
            if (type == 13) return Message(EventLine{std::move(unit), std::move(rest)});
            UNDERSTUDY_TRY(const OutputStream stream, stream_of(text[0]));
            return Message(LogChunk{std::move(unit), stream, std::move(rest)});
        }
        case 16: {
            UNDERSTUDY_TRY(const OutputStream stream, stream_of(text[0]));
            return Message(ExecOutput{id_at(text, 1), stream, std::string(text.substr(5))});
        }
        case 17:
            return Message(ExecExit{id_at(text, 0), static_cast<int>(id_at(text, 4))});
        case 18:
            return Message(ExecFailed{id_at(text, 0), std::string(text.substr(4))});
        default:
            return Message(Pong{from_little_endian(text.substr(0, 8)),
                                static_cast<std::int64_t>(from_little_endian(text.substr(8, 8))),
                                static_cast<std::int64_t>(from_little_endian(text.substr(16, 8)))});
    }
}

bool is_json(std::size_t type) {
    return type <= 4 || type == 7 || type == 8 || type == 11 || type == 15;
}

Message read_json(std::size_t type, const Reader& reader) {
    const auto id = [&] { return static_cast<std::uint32_t>(reader.integer("id")); };
    const auto number = [&](const char* name) { return static_cast<int>(reader.integer(name)); };
    switch (type) {
        case 0:
            return Configure{read_config(reader)};
        case 1:
            return StartUnit{reader.text("unit")};
        case 2:
            return StopUnit{reader.text("unit")};
        case 3:
            return SignalUnit{reader.text("unit"), number("signal")};
        case 4:
            return Exec{
                id(),           reader.texts("argv"), reader.map("environment"), reader.boolean("tty"),
                number("rows"), number("columns")};
        case 7:
            return ExecResize{id(), number("rows"), number("columns")};
        case 8:
            return ExecSignal{id(), number("signal")};
        case 11:
            return Hello{number("version"), reader.boolean("fresh")};
        default:
            break;
    }
    UnitState state;
    state.unit = reader.text("unit");
    const std::string name = reader.text("state");
    bool known = false;
    for (int value = 0; value <= static_cast<int>(UnitStateName::failed); ++value) {
        if (name != to_string(static_cast<UnitStateName>(value))) continue;
        state.state = static_cast<UnitStateName>(value);
        known = true;
    }
    if (!known) reader.wrong("state");
    state.restarts = reader.integer("restarts");
    state.pid = reader.optional_integer("pid");
    state.exit_status = reader.optional_integer("exit_status");
    state.exit_signal = reader.optional_integer("exit_signal");
    return state;
}

Result<Message> read_frame(std::string_view frame) {
    const std::size_t type = static_cast<unsigned char>(frame[0]) - std::size_t{1};
    const std::string_view text = frame.substr(1);
    if (type >= std::variant_size_v<Message>) return malformed("a frame of an unknown type");
    if (text.size() < least_body[type]) return malformed("a frame shorter than its type needs");
    if (!is_json(type)) return read_raw(type, text);
    boost::system::error_code failure;
    const json::value value = json::parse(json::string_view(text.data(), text.size()), failure);
    if (failure || !value.is_object()) return malformed("a control frame that is not a JSON object");
    std::string mistake;
    Message message = read_json(type, Reader(value.get_object(), mistake));
    if (!mistake.empty()) return malformed(mistake);
    return message;
}

}  // namespace

std::string session_marker(std::uint64_t session) {
    const std::string start = magic_text() + little_endian(session, 8);
    return start + little_endian(fnv1a(start), 8);
}

Result<std::string> encode(const Message& message) {
    const std::string text = std::visit([](const auto& value) { return body(value); }, message);
    if (text.size() + 1 > max_frame_bytes)
        return Error(ErrorKind::bad_input, "agent message", "it is longer than a frame may be")
            .with_number(static_cast<std::int64_t>(text.size()));
    return little_endian(text.size() + 1, 4) + static_cast<char>(message.index() + 1) + text;
}

void Decoder::feed(std::string_view bytes) {
    buffer_.append(bytes);
}

std::optional<std::size_t> Decoder::find_marker(std::size_t from, std::uint64_t& session) const {
    const std::string wanted = magic_text();
    for (std::size_t at = buffer_.find(wanted, from); at != std::string::npos;
         at = buffer_.find(wanted, at + 1)) {
        if (at + session_marker_bytes > buffer_.size()) return std::nullopt;
        session = from_little_endian(std::string_view(buffer_).substr(at + 16, 8));
        if (only_session_ && *only_session_ != session) continue;
        if (buffer_.compare(at, session_marker_bytes, session_marker(session)) == 0) return at;
    }
    return std::nullopt;
}

void Decoder::drop(std::size_t count) {
    buffer_.erase(0, count);
    searched_ = searched_ > count ? searched_ - count : 0;
    if (marker_at_) marker_at_ = *marker_at_ - count;
}

std::optional<Result<Decoded>> Decoder::next() {
    if (!marker_at_) {
        marker_at_ = find_marker(searched_, marker_session_);
        // A marker may have come only in part: the last 31 bytes are searched again.
        if (!marker_at_)
            searched_ = buffer_.size() < session_marker_bytes ? 0 : buffer_.size() - session_marker_bytes + 1;
    }
    if (in_session_ && marker_at_ != std::size_t{0}) {
        const std::size_t end = marker_at_.value_or(buffer_.size());
        if (end >= 4) {
            const std::size_t length = from_little_endian(std::string_view(buffer_).substr(0, 4));
            // A marker that has come only in part reads as a length far beyond the limit: wait for its rest.
            const bool may_be_marker =
                buffer_.size() < session_marker_bytes &&
                buffer_.compare(0, std::min(buffer_.size(), magic.size()), magic_text(), 0,
                                std::min(buffer_.size(), magic.size())) == 0;
            if (may_be_marker) return std::nullopt;
            if (length == 0 || length > max_frame_bytes) {
                in_session_ = false;
                return Result<Decoded>(malformed("a frame's length is out of bounds")
                                           .with_number(static_cast<std::int64_t>(length)));
            }
            if (end >= 4 + length) {
                Result<Message> message = read_frame(std::string_view(buffer_).substr(4, length));
                drop(4 + length);
                if (message.has_error()) {
                    in_session_ = false;
                    return Result<Decoded>(message.error());
                }
                return Result<Decoded>(Decoded(std::move(*message)));
            }
        }
        if (!marker_at_) return std::nullopt;
    }
    if (marker_at_) {
        dropped_bytes_ += *marker_at_;
        const std::size_t after = *marker_at_ + session_marker_bytes;
        marker_at_.reset();
        drop(after);
        searched_ = 0;
        in_session_ = true;
        return Result<Decoded>(Decoded(SessionStarted{marker_session_}));
    }
    dropped_bytes_ += searched_;
    drop(searched_);
    return std::nullopt;
}

}  // namespace understudy::vmctl
