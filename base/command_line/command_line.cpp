// SPDX-License-Identifier: Apache-2.0
#include "base/command_line/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>

#include "base/result.hpp"

namespace understudy::command_line {

Option Option::required() {
    option_->required();
    return *this;
}

Option Option::with_default_in_help() {
    option_->capture_default_str();
    return *this;
}

Option Option::called_in_help(const std::string& type) {
    option_->type_name(type);
    return *this;
}

Option Option::one_of(const std::vector<std::string>& values) {
    option_->check(CLI::IsMember(values));
    return *this;
}

template <typename Number>
Option Option::between(Number lowest, Number highest) {
    option_->check(CLI::Range(lowest, highest));
    return *this;
}

Option Option::separated_by(char separator) {
    option_->delimiter(separator);
    return *this;
}

Option Option::as_existing_directory() {
    option_->check(CLI::ExistingDirectory);
    return *this;
}

Option Option::as_size() {
    option_->transform(CLI::AsSizeValue(false));
    return *this;
}

Option Option::not_with(Option other) {
    option_->excludes(other.option_);
    return *this;
}

bool Option::given() const {
    return option_->count() > 0;
}

template <typename Value>
Option Command::option(const std::string& name, Value& value, const std::string& help) {
    return Option(app_->add_option(name, value, help));
}

Option Command::flag(const std::string& name, bool& value, const std::string& help) {
    return Option(app_->add_flag(name, value, help));
}

Command Command::subcommand(const std::string& name, const std::string& help) {
    return Command(app_->add_subcommand(name, help));
}

Command Command::requires_subcommand() {
    app_->require_subcommand(1);
    return *this;
}

Command Command::positionals_last() {
    app_->positionals_at_end();
    return *this;
}

Command Command::footer(const std::string& text) {
    app_->footer(text);
    return *this;
}

Command Command::version(const std::string& text) {
    app_->set_version_flag("--version", text);
    return *this;
}

Command Command::when_chosen(std::function<void()> call) {
    app_->callback(std::move(call));
    return *this;
}

bool Command::chosen() const {
    return app_->parsed();
}

std::string Command::chosen_subcommand() const {
    const auto chosen = app_->get_subcommands();
    return chosen.empty() ? "" : chosen.front()->get_name();
}

CommandLine::CommandLine(const std::string& program, const std::string& description)
    : Command(nullptr), owned_(std::make_unique<CLI::App>(description, program)) {
    app_ = owned_.get();
}

CommandLine::~CommandLine() = default;

std::optional<int> CommandLine::parse(int argument_count, const char* const* arguments) {
    try {
        app_->parse(argument_count, arguments);
        return std::nullopt;
    } catch (const CLI::Success& asked) {  // for help or the version
        return app_->exit(asked);
    } catch (const CLI::ParseError& error) {
        const std::string subcommand = chosen_subcommand();
        fmt::print(stderr, "{0}: {1}; see {0}{2}{3} --help\n", app_->get_name(), error.what(),
                   subcommand.empty() ? "" : " ", subcommand);
        return exit_status(ErrorKind::bad_input);
    }
}

template Option Option::between(int, int);
template Option Option::between(double, double);
template Option Command::option(const std::string&, std::string&, const std::string&);
template Option Command::option(const std::string&, std::vector<std::string>&, const std::string&);
template Option Command::option(const std::string&, int&, const std::string&);
template Option Command::option(const std::string&, double&, const std::string&);
template Option Command::option(const std::string&, std::uint16_t&, const std::string&);
template Option Command::option(const std::string&, std::uint64_t&, const std::string&);

}  // namespace understudy::command_line
