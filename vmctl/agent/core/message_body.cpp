// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/core/message_body.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/json.hpp"
#include "vmctl/agent/core/host_config_json.hpp"
#include "vmctl/agent/core/json_members.hpp"
#include "vmctl/agent/core/little_endian.hpp"

namespace understudy::vmctl {
namespace {

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

Message read_json(std::size_t type, const MemberReader& reader) {
    const auto id = [&] { return static_cast<std::uint32_t>(reader.integer("id")); };
    const auto number = [&](const char* name) { return static_cast<int>(reader.integer(name)); };
    switch (type) {
        case 0:
            return Configure{read_host_config(reader)};
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

}  // namespace

std::string body_of(const Message& message) {
    return std::visit([](const auto& value) { return body(value); }, message);
}

Result<Message> read_body(std::size_t type, std::string_view text) {
    if (type >= std::variant_size_v<Message>) return malformed("a frame of an unknown type");
    if (text.size() < least_body[type]) return malformed("a frame shorter than its type needs");
    if (!is_json(type)) return read_raw(type, text);
    boost::system::error_code failure;
    const json::value value = json::parse(json::string_view(text.data(), text.size()), failure);
    if (failure || !value.is_object()) return malformed("a control frame that is not a JSON object");
    std::string mistake;
    Message message = read_json(type, MemberReader(value.get_object(), mistake));
    if (!mistake.empty()) return malformed(mistake);
    return message;
}

Error malformed(const std::string& reason) {
    return Error(ErrorKind::bad_input, "agent stream", reason);
}

}  // namespace understudy::vmctl
