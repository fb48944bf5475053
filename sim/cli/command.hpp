// SPDX-License-Identifier: Apache-2.0
// What every subcommand of `understudy` shares. Each add_…() declares one subcommand on the parser and sets
// `Choice::run` when it is chosen; main runs it and turns its Result into the exit status of the contract
// (docs/ARCHITECTURE.md): the number it returns, or the status of its Error, which is printed on stderr.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/command_line/command_line.hpp"
#include "base/result.hpp"

namespace understudy::cli {

struct Choice {
    std::function<Result<int>()> run;
};

void add_up(command_line::Command app, Choice& choice);
void add_down(command_line::Command app, Choice& choice);
void add_status(command_line::Command app, Choice& choice);
void add_events(command_line::Command app, Choice& choice);
void add_faults(command_line::Command app, Choice& choice);  // fault, heal, faults
void add_exec(command_line::Command app, Choice& choice);    // exec, shell
void add_explain(command_line::Command app, Choice& choice);
void add_logs(command_line::Command app, Choice& choice);
void add_test(command_line::Command app, Choice& choice);
void add_validate(command_line::Command app, Choice& choice);  // validate, bound
void add_doctor(command_line::Command app, Choice& choice);

// The region that --name means, or the only one that runs.
Result<std::string> chosen_region(const std::string& name);

// "understudy: " before each line of the message, on stderr.
void print_error(const Error& error);

// The names in colour and a line that is rewritten only where a person looks on.
bool stdout_is_terminal();

}  // namespace understudy::cli
