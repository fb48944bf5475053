// SPDX-License-Identifier: Apache-2.0
// A program's command line: its options, its subcommands, --help, and one line for whoever mistyped. CLI11
// reads it, and is included by one source only: it takes as long to compile as a whole component.
//
// A name is "--name", "--name,-n", or "NAME" for what goes by its place. The variable that an option fills
// keeps its value where the option isn't given; it must live until parse() has returned. Handles are copied
// freely and live as long as the CommandLine. A mistake in the declarations themselves throws.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace understudy::command_line {

class Option {
  public:
    explicit Option(CLI::Option* option) : option_(option) {}

    Option required();
    Option with_default_in_help();
    Option called_in_help(const std::string& type);  // such as PATH
    Option one_of(const std::vector<std::string>& values);
    template <typename Number>  // int or double
    Option between(Number lowest, Number highest);
    Option separated_by(char separator);  // a,b are two values
    Option as_existing_directory();
    Option as_size();  // 8388608 or 8MiB
    Option not_with(Option other);

    bool given() const;

  private:
    CLI::Option* option_;
};

// A program or one of its subcommands.
class Command {
  public:
    explicit Command(CLI::App* app) : app_(app) {}

    // Value: std::string, a vector of them, int, double, std::uint16_t or std::uint64_t.
    template <typename Value>
    Option option(const std::string& name, Value& value, const std::string& help);
    Option flag(const std::string& name, bool& value, const std::string& help);
    Command subcommand(const std::string& name, const std::string& help);

    Command requires_subcommand();
    // After the first that goes by its place, everything does: a command's own options aren't ours.
    Command positionals_last();
    Command footer(const std::string& text);
    Command version(const std::string& text);
    // Called by parse(), where everything was understood.
    Command when_chosen(std::function<void()> call);

    bool chosen() const;
    std::string chosen_subcommand() const;  // empty without one

  protected:
    CLI::App* app_;
};

class CommandLine : public Command {
  public:
    CommandLine(const std::string& program, const std::string& description);
    ~CommandLine();
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;

    // The status to end with: 0 where help was asked for and printed; 2 (bad input) after a line on stderr
    // that says what isn't understood. Nothing where the program is to go on.
    [[nodiscard]] std::optional<int> parse(int argument_count, const char* const* arguments);

  private:
    std::unique_ptr<CLI::App> owned_;
};

}  // namespace understudy::command_line
