/// A pipeline's way from words to results: what `run`, `plan` and `convert` share.
#pragma once

#include "freestone/cli/commands.h"
#include "freestone/cli/step.h"

namespace freestone::cli {

/// What a command line asks for: the graph and where its results go.
struct Asked {
  std::shared_ptr<Request> request;
};

/// The words of it.
struct Asking {
  std::vector<std::string> inputs;     ///< as typed: files, patterns of files
  std::vector<std::string> variables;  ///< of --var
  std::string stack;                   ///< of --stack: the axis along which the inputs lie side by side
  std::vector<std::string> with;       ///< NAME=FILE
  Pipeline pipeline;
  bool overwrite = false;
  std::string format = "table";
};

/// Opens the files and applies the pipeline. Only metadata is read. `change` may put something else in the place of each opened array.
/// @throws UsageError, Error
Asked ask(const Asking& asking, const std::function<void(astro::SkyArray&)>& change = {}, const CfOptions& numbers = {});

/// Settings of the options --threads, --memory, --temp-dir, --log-level; what they leave open comes from environment, config file and
/// machine.
/// @throws UsageError  a value that does not parse
Settings settings_of(const Arguments& arguments);

/// Runs what was asked: all results in one plan, prints what is to be printed, `title` before it.
void run_asked(Request& request, const Arguments& arguments, const Process& process, const std::string& title = "");
void run_saved_plan(const std::string& path, const Arguments& arguments, const Process& process);

/// The same with events on the way: progress and profile as the options say. `work` gets the options to run with.
void watched(const Arguments& arguments, const Process& process, const std::function<void(const ComputeOptions& options)>& work);

}  // namespace freestone::cli
