/// Commands: what may stand after `freestone`, one row each.
///
/// A command parses its words, asks the rooms below for the work, and prints. Errors leave it as exceptions; `main` turns
/// them into one paragraph on stderr and an exit code.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "freestone/cli/arguments.h"
#include "freestone/core/cancel.h"

namespace freestone::cli {

/// What a command may use of the process.
struct Process {
  const Cancel& cancel;  ///< requested by SIGINT, SIGTERM, SIGHUP
};

struct CommandRow {
  std::string name;
  std::string words;  ///< "FILE", "INPUT [! STEP [options]]..."
  std::string summary;
  std::vector<OptionRow> options;
  int (*run)(std::span<const std::string> words, const CommandRow& row, const Process& process);  ///< returns the exit code
};

const std::vector<CommandRow>& command_table();
/// @throws UsageError  no such command, with the nearest name
const CommandRow& find_command(const std::string& name);

/// Help of the program, of a command, of a step, as text.
std::string program_help();
std::string command_help(const CommandRow& row);
std::string step_help(const std::string& name);

/// Options of what opens URLs; in those of runs, too.
std::vector<OptionRow> url_options();
/// Has them hold for this process.
/// @throws UsageError  a value that cannot be
void set_url_options(const Arguments& arguments);
/// Options that all runs take.
std::vector<OptionRow> run_options();
/// Options of what writes files with chunks.
std::vector<OptionRow> packing_options();
/// `a` and then `b`.
std::vector<OptionRow> joined(std::vector<OptionRow> a, const std::vector<OptionRow>& b);

int run_info(std::span<const std::string> words, const CommandRow& row, const Process& process);
int run_pipeline(std::span<const std::string> words, const CommandRow& row, const Process& process);
int run_plan_only(std::span<const std::string> words, const CommandRow& row, const Process& process);
int run_convert(std::span<const std::string> words, const CommandRow& row, const Process& process);
int run_compare(std::span<const std::string> words, const CommandRow& row, const Process& process);
int run_references(std::span<const std::string> words, const CommandRow& row, const Process& process);
int run_steps(std::span<const std::string> words, const CommandRow& row, const Process& process);
int run_cluster(std::span<const std::string> words, const CommandRow& row, const Process& process);
int run_doctor(std::span<const std::string> words, const CommandRow& row, const Process& process);
int run_completion(std::span<const std::string> words, const CommandRow& row, const Process& process);

/// Scripts for `freestone completion bash|zsh|fish`, made from the tables.
std::string completion_script(const std::string& shell);

}  // namespace freestone::cli
