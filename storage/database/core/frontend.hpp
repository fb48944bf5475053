// SPDX-License-Identifier: Apache-2.0
// The messages that a client sends, PostgreSQL protocol 3.0 (manual chapter 55.7), and their decoder. Bytes
// of any split go in with append(); next() gives the next whole message, nothing when more bytes are needed,
// or the reason why the stream can't be understood (SQLSTATE 08P01, fatal): after that the connection has to
// end. Every length, count and string end is checked against the message's bounds before it is used.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "storage/database/core/sql_error.hpp"

namespace understudy::database {

struct SslRequest {};
struct GssEncryptionRequest {};
struct CancelRequest {
    std::int32_t process_id = 0;
    std::int32_t secret = 0;
};
struct StartupMessage {
    std::int32_t minor_version = 0;
    std::map<std::string, std::string> parameters;
};
struct AuthenticationData {
    std::string body;
};  // 'p': its shape depends on the method asked for
struct Query {
    std::string sql;
};
struct Parse {
    std::string statement;
    std::string sql;
    std::vector<std::uint32_t> parameter_types;
};
struct Bind {
    std::string portal;
    std::string statement;
    std::vector<std::int16_t> parameter_formats;  // 0 text, 1 binary; none: all text; one: it holds for all
    std::vector<std::optional<std::string>> parameters;
    std::vector<std::int16_t> result_formats;
};
enum class Target : char { statement = 'S', portal = 'P' };
struct Describe {
    Target target = Target::statement;
    std::string name;
};
struct Close {
    Target target = Target::statement;
    std::string name;
};
struct Execute {
    std::string portal;
    std::int32_t row_limit = 0;
};  // 0: no limit
struct Sync {};
struct Flush {};
struct Terminate {};
// Ignored outside of COPY, as the protocol asks.
struct CopyData {
    std::string bytes;
};
struct CopyDone {};
struct CopyFail {
    std::string reason;
};
struct FunctionCall {};

using FrontendMessage = std::variant<SslRequest, GssEncryptionRequest, CancelRequest, StartupMessage,
                                     AuthenticationData, Query, Parse, Bind, Describe, Close, Execute, Sync,
                                     Flush, Terminate, CopyData, CopyDone, CopyFail, FunctionCall>;

constexpr std::size_t max_startup_bytes = 10'000;          // as PostgreSQL's
constexpr std::size_t max_login_message_bytes = 8 * 1024;  // until login is done
constexpr std::size_t max_message_bytes = 16 * 1024 * 1024;

class FrontendDecoder {
  public:
    void append(std::string_view bytes);
    SqlResult<std::optional<FrontendMessage>> next();
    void login_done() { limit_ = max_message_bytes; }
    std::size_t buffered() const { return buffer_.size() - position_; }

  private:
    SqlResult<std::optional<FrontendMessage>> next_startup();
    std::string buffer_;
    std::size_t position_ = 0;
    std::size_t limit_ = max_login_message_bytes;
    bool startup_ = true;
};

// The format of the item with this index, by the rule for none, one or many format codes.
std::int16_t format_at(const std::vector<std::int16_t>& formats, std::size_t index);

}  // namespace understudy::database
