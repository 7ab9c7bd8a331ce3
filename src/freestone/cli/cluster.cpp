#include "freestone/cli/cluster.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "freestone/cli/commands.h"

namespace freestone::cli {

std::optional<ClusterAddress> cluster_of(const Arguments& arguments) {
  if (!arguments.has("scheduler") && !arguments.has("scheduler-file")) return std::nullopt;
  if (arguments.has("scheduler") && arguments.has("scheduler-file")) refuse("{}give --scheduler or --scheduler-file, not both.", arguments.where());
  ClusterAddress where{.scheduler = arguments.text("scheduler"), .scheduler_file = arguments.text("scheduler-file"), .python = {}, .work_folder = arguments.text("temp-dir")};
  if (where.scheduler.empty() == where.scheduler_file.empty() || (where.scheduler_file.empty() && where.scheduler.find(':') == std::string::npos))
    refuse("{}--scheduler takes an address such as tcp://host:8786, not '{}'.", arguments.where(), where.scheduler);
  return where;
}

int run_cluster(std::span<const std::string> words, const CommandRow& row, const Process&) {
  const Arguments arguments(words, row.options, "cluster: ");
  if (arguments.words() != std::vector<std::string>{"start"}) refuse("cluster knows one word: 'freestone cluster start'.");
  const std::string python = helper_python();
  std::vector<std::string> command = {python, "-m", "freestone.cluster", "start"};
  for (const char* option : {"workers", "threads", "port", "dashboard-port"}) {
    if (!arguments.has(option)) continue;
    const bool is_port = std::string_view(option).ends_with("port");
    command.insert(command.end(), {std::string("--") + option, std::to_string(arguments.integer(option, 0, is_port ? 0 : 1))});
  }
  if (arguments.has("memory")) command.insert(command.end(), {"--memory", std::to_string(arguments.parsed("memory", parse_bytes))});
  if (arguments.has("scheduler-file")) command.insert(command.end(), {"--scheduler-file", arguments.text("scheduler-file")});
  if (arguments.has("no-dashboard")) command.emplace_back("--no-dashboard");
  // The cluster takes this process's place: signals reach it as they come.
  std::vector<char*> pointers;
  for (std::string& word : command) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  for (const int number : {SIGPIPE, SIGXFSZ}) std::signal(number, SIG_DFL);
  ::execvp(pointers[0], pointers.data());
  fail(ErrorKind::kUser, "{} cannot be started ({}). A cluster is started by the Python package: FREESTONE_PYTHON names the interpreter that has it.", python,
       std::strerror(errno));
}

}  // namespace freestone::cli
