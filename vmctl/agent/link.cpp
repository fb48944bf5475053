// SPDX-License-Identifier: Apache-2.0
#include "vmctl/agent/link.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <deque>

#include "base/io/as_result.hpp"
#include "base/io/clock.hpp"
#include "vmctl/agent/core/codec.hpp"

namespace understudy::vmctl {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using io::as_result;
constexpr auto connect_period = std::chrono::milliseconds(20);

Error closed_error(const std::string& reason) {
    return Error(ErrorKind::failed, "agent", reason);
}

}  // namespace

class AgentLink::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(asio::any_io_executor executor, AgentHandler& handler)
        : executor_(executor),
          handler_(&handler),
          socket_(executor),
          queued_(executor, asio::steady_timer::time_point::max()) {}

    void start(io::UniqueFd stream) {
        boost::system::error_code failure;
        socket_.assign(stream_protocol(), stream.release(), failure);
        if (failure) return ended("stream: " + failure.message());
        begin();
    }

    void start(std::string path, Duration limit) {
        asio::co_spawn(executor_, connect(shared_from_this(), std::move(path), limit), asio::detached);
    }

    void close() {
        handler_ = nullptr;
        stop("the link was closed");
    }

    bool in_session() const { return in_session_ && open_; }

    Result<void> send(const Message& message) {
        if (!in_session()) return closed_error("is not connected");
        if (queued_bytes_ > max_queued_bytes)
            return closed_error("takes nothing: too much waits for it")
                .with_number(static_cast<std::int64_t>(queued_bytes_));
        UNDERSTUDY_TRY(auto bytes, encode(message));
        push(std::move(bytes));
        return {};
    }

    Result<ExecId> exec(ExecRequest request, ExecCallbacks callbacks) {
        const ExecId id = next_exec_++;
        UNDERSTUDY_CHECK(send(Exec{id, std::move(request.argv), std::move(request.environment), request.tty,
                                   request.rows, request.columns}));
        execs_[id] = std::move(callbacks);
        return id;
    }

    Result<void> ping(std::function<void(const Pong&)> on_pong) {
        const std::uint64_t token = next_token_++;
        UNDERSTUDY_CHECK(send(Ping{token}));
        pings_[token] = std::move(on_pong);
        return {};
    }

  private:
    void begin() {
        open_ = true;
        asio::co_spawn(executor_, read(shared_from_this()), asio::detached);
        asio::co_spawn(executor_, write(shared_from_this()), asio::detached);
    }

    static asio::awaitable<void> connect(std::shared_ptr<Impl> self, std::string path, Duration limit) {
        const Instant end = io::monotonic_now() + limit;
        asio::steady_timer pause(self->executor_);
        while (self->handler_ != nullptr) {
            auto [failure] = co_await self->socket_.async_connect(stream_protocol::endpoint(path), as_result);
            if (!failure) {
                self->begin();
                co_return;
            }
            boost::system::error_code ignored;
            self->socket_.close(ignored);
            if (io::monotonic_now() >= end) {
                self->ended(path + ": " + failure.message());
                co_return;
            }
            pause.expires_after(connect_period);
            co_await pause.async_wait(as_result);
        }
    }

    static asio::awaitable<void> read(std::shared_ptr<Impl> self) {
        std::vector<char> bytes(64 << 10);
        while (self->open_) {
            auto [failure, count] = co_await self->socket_.async_read_some(asio::buffer(bytes), as_result);
            if (failure) {
                self->ended(failure == asio::error::eof ? "its host ended" : failure.message());
                co_return;
            }
            self->decoder_.feed({bytes.data(), count});
            while (auto decoded = self->decoder_.next()) {
                if (!self->open_) co_return;
                // After an error the decoder looks for the marker of the session that the agent opens next.
                if (decoded->has_error())
                    self->in_session_ = false;
                else if (const auto* started = std::get_if<SessionStarted>(&**decoded))
                    self->session_started(started->session);
                else
                    self->dispatch(std::get<Message>(std::move(**decoded)));
            }
        }
    }

    static asio::awaitable<void> write(std::shared_ptr<Impl> self) {
        while (self->open_) {
            if (self->queue_.empty()) {
                co_await self->queued_.async_wait(as_result);
                continue;
            }
            std::string bytes = std::move(self->queue_.front());
            self->queue_.pop_front();
            auto [failure, count] = co_await asio::async_write(self->socket_, asio::buffer(bytes), as_result);
            self->queued_bytes_ -= bytes.size();
            if (failure) co_return;  // reading tells the same
        }
    }

    void push(std::string bytes) {
        queued_bytes_ += bytes.size();
        queue_.push_back(std::move(bytes));
        queued_.cancel();
    }

    void session_started(std::uint64_t session) {
        if (session_ != session || !in_session_) {
            fail_execs("the host started again");
            greeted_ = false;
        }
        session_ = session;
        in_session_ = true;
        push(session_marker(session));
    }

    void dispatch(Message message) {
        if (const auto* hello = std::get_if<Hello>(&message)) {
            // Repeated until the agent has our marker: only the first of a session counts.
            if (!std::exchange(greeted_, true)) handler_->on_hello(*hello);
        } else if (const auto* configured = std::get_if<Configured>(&message)) {
            handler_->on_configured(
                configured->error.empty() ? Result<void>() : Result<void>(closed_error(configured->error)));
        } else if (const auto* line = std::get_if<EventLine>(&message)) {
            if (const auto event = event_from_json_line(line->line); event.has_value())
                handler_->on_event(line->unit, *event);
        } else if (const auto* log = std::get_if<LogChunk>(&message)) {
            handler_->on_log(log->unit, log->stream, log->bytes);
        } else if (const auto* state = std::get_if<UnitState>(&message)) {
            handler_->on_unit_state(*state);
        } else if (const auto* output = std::get_if<ExecOutput>(&message)) {
            const auto found = execs_.find(output->id);
            if (found != execs_.end() && found->second.on_output)
                found->second.on_output(output->stream, output->bytes);
        } else if (const auto* exit = std::get_if<ExecExit>(&message)) {
            finish_exec(exit->id, exit->status);
        } else if (const auto* refused = std::get_if<ExecFailed>(&message)) {
            finish_exec(refused->id, closed_error(refused->reason));
        } else if (const auto* pong = std::get_if<Pong>(&message)) {
            if (auto found = pings_.extract(pong->token); !found.empty()) found.mapped()(*pong);
        }
    }

    void finish_exec(ExecId id, Result<int> status) {
        if (auto found = execs_.extract(id); !found.empty() && found.mapped().on_exit)
            found.mapped().on_exit(std::move(status));
    }

    void fail_execs(const std::string& reason) {
        for (auto& [id, callbacks] : std::exchange(execs_, {}))
            if (callbacks.on_exit) callbacks.on_exit(closed_error(reason));
        pings_.clear();
    }

    void stop(const std::string& reason) {
        open_ = false;
        boost::system::error_code ignored;
        socket_.close(ignored);
        queued_.cancel();
        fail_execs(reason);
    }

    void ended(const std::string& reason) {
        AgentHandler* handler = std::exchange(handler_, nullptr);
        if (handler == nullptr) return;
        stop(reason);
        handler->on_closed(reason);
    }

    asio::any_io_executor executor_;
    AgentHandler* handler_;
    stream_protocol::socket socket_;
    Decoder decoder_;
    std::deque<std::string> queue_;
    std::size_t queued_bytes_ = 0;
    asio::steady_timer queued_;
    bool open_ = false;
    bool in_session_ = false;
    bool greeted_ = false;
    std::uint64_t session_ = 0;
    std::map<ExecId, ExecCallbacks> execs_;
    std::map<std::uint64_t, std::function<void(const Pong&)>> pings_;
    ExecId next_exec_ = 1;
    std::uint64_t next_token_ = 1;
};

AgentLink::AgentLink(asio::any_io_executor executor, AgentHandler& handler)
    : impl_(std::make_shared<Impl>(std::move(executor), handler)) {}
AgentLink::~AgentLink() {
    impl_->close();
}
void AgentLink::start(io::UniqueFd stream) {
    impl_->start(std::move(stream));
}
void AgentLink::start(std::string socket_path, Duration limit) {
    impl_->start(std::move(socket_path), limit);
}
void AgentLink::close() {
    impl_->close();
}
bool AgentLink::is_open() const {
    return impl_->in_session();
}
Result<void> AgentLink::configure(const HostConfig& config) {
    return impl_->send(Configure{config});
}
Result<void> AgentLink::start_unit(const std::string& unit) {
    return impl_->send(StartUnit{unit});
}
Result<void> AgentLink::stop_unit(const std::string& unit) {
    return impl_->send(StopUnit{unit});
}
Result<void> AgentLink::signal_unit(const std::string& unit, int signal) {
    return impl_->send(SignalUnit{unit, signal});
}
Result<void> AgentLink::shutdown() {
    return impl_->send(Shutdown{});
}
Result<void> AgentLink::ping(std::function<void(const Pong&)> on_pong) {
    return impl_->ping(std::move(on_pong));
}
Result<ExecId> AgentLink::exec(ExecRequest request, ExecCallbacks callbacks) {
    return impl_->exec(std::move(request), std::move(callbacks));
}
Result<void> AgentLink::exec_input(ExecId id, std::string bytes) {
    return impl_->send(ExecInput{id, std::move(bytes)});
}
Result<void> AgentLink::exec_close_input(ExecId id) {
    return impl_->send(ExecCloseInput{id});
}
Result<void> AgentLink::exec_resize(ExecId id, int rows, int columns) {
    return impl_->send(ExecResize{id, rows, columns});
}
Result<void> AgentLink::exec_signal(ExecId id, int signal) {
    return impl_->send(ExecSignal{id, signal});
}

}  // namespace understudy::vmctl
