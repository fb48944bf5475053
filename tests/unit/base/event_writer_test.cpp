// SPDX-License-Identifier: Apache-2.0
#include "base/io/event_writer.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "base/io/unique_fd.hpp"

namespace understudy::io {
namespace {

struct Pipe {
    Pipe() {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        reading.reset(ends[0]);
        writing.reset(ends[1]);
    }
    std::string drain() const {
        std::string text;
        char buffer[4096];
        for (ssize_t n; (n = ::read(reading.get(), buffer, sizeof buffer)) > 0;)
            text.append(buffer, static_cast<std::size_t>(n));
        return text;
    }
    UniqueFd reading;
    UniqueFd writing;
};

TEST(EventWriter, an_event_is_a_line_with_the_writers_source) {
    const Pipe pipe;
    EventWriter writer("lb", pipe.writing.get());
    writer.report("ready", "serving", {{"port", std::int64_t{80}}});
    writer.report(Event{"other", "x", "", {}});
    const std::string text = pipe.drain();
    const std::size_t end = text.find('\n');
    const Event first = event_from_json_line(text.substr(0, end)).value();
    EXPECT_EQ(first.source, "lb");
    EXPECT_EQ(first.name, "ready");
    EXPECT_EQ(integer_attribute(first, "port"), 80);
    EXPECT_EQ(event_from_json_line(text.substr(end + 1)).value().source, "other");
}

TEST(EventWriter, a_line_too_long_for_one_write_is_shortened) {
    const Pipe pipe;
    EventWriter writer("lb", pipe.writing.get());
    writer.report("long", std::string(10'000, 'x'));
    const std::string text = pipe.drain();
    EXPECT_LE(text.size(), 4096u);
    EXPECT_THAT(event_from_json_line(text).value().detail, testing::StartsWith("xxx"));
}

TEST(EventWriter, a_full_pipe_drops_events_and_counts_them) {
    const Pipe pipe;
    ::fcntl(pipe.writing.get(), F_SETPIPE_SZ, 4096);
    EventWriter writer("lb", pipe.writing.get());
    for (int i = 0; i < 8; ++i) writer.report("filling", std::string(1000, 'x'));
    pipe.drain();
    writer.report("after", "");
    const std::string text = pipe.drain();
    EXPECT_THAT(text, testing::HasSubstr("events_dropped"));
    EXPECT_THAT(text, testing::HasSubstr("\"after\""));
    writer.report("again", "");
    EXPECT_THAT(pipe.drain(), testing::Not(testing::HasSubstr("events_dropped")));
}

TEST(EventWriter, without_a_descriptor_events_are_logged_and_nothing_breaks) {
    EventWriter writer("lb", -1);
    writer.report("ready", "serving");
}

}  // namespace
}  // namespace understudy::io
