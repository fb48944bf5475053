// SPDX-License-Identifier: Apache-2.0
// What every subcommand of `understudy` shares. Each add_…() declares one subcommand on the parser and sets
// `Command::run` when it is chosen; main runs it and turns its Result into the exit status of the contract
// (docs/ARCHITECTURE.md): the number it returns, or the status of its Error, which is printed on stderr.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"

namespace understudy::cli {

struct Command {
    std::function<Result<int>()> run;
};

void add_up(CLI::App& app, Command& command);
void add_down(CLI::App& app, Command& command);
void add_status(CLI::App& app, Command& command);
void add_events(CLI::App& app, Command& command);
void add_faults(CLI::App& app, Command& command);  // fault, heal, faults
void add_exec(CLI::App& app, Command& command);    // exec, shell
void add_explain(CLI::App& app, Command& command);
void add_logs(CLI::App& app, Command& command);
void add_test(CLI::App& app, Command& command);
void add_validate(CLI::App& app, Command& command);  // validate, bound
void add_doctor(CLI::App& app, Command& command);

// The region that --name means, or the only one that runs.
Result<std::string> chosen_region(const std::string& name);

// "understudy: " before each line of the message, on stderr.
void print_error(const Error& error);

// The names in colour and a line that is rewritten only where a person looks on.
bool stdout_is_terminal();

}  // namespace understudy::cli
