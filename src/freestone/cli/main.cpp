/// The program `freestone`: finds the command, catches signals and errors, gives the exit code.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <new>

#include "freestone/cli/commands.h"
#include "freestone/cli/print.h"
#include "freestone/formats/hdf5.h"
#include "freestone/storage/remote_options.h"

namespace freestone::cli {
namespace {

Cancel g_cancel;
std::atomic<int> g_signal{0};

/// The first signal asks the run to stop; a second one ends the process at once.
void on_signal(int number) {
  if (g_signal.exchange(number) != 0) {
    std::signal(number, SIG_DFL);
    std::raise(number);
    return;
  }
  g_cancel.request();
}

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  // Blocked calls go on after the handler: work looks at the flag itself.
  action.sa_flags = SA_RESTART;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old {};
    // nohup and shells that put a job into the background set them to be ignored: so they stay.
    if (sigaction(number, nullptr, &old) == 0 && old.sa_handler == SIG_IGN) continue;
    sigaction(number, &action, nullptr);
  }
  // A reader that has gone and a file that would get too large are errors of the write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

constexpr const char* kServeHdf5 = "--serve-hdf5";

void complain(const std::string& message) {
  const std::string line = "freestone: " + message + "\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

int run(const std::vector<std::string>& words) {
  if (words.empty()) refuse("a command is missing. 'freestone --help' lists them.");
  const std::string& name = words.front();
  if (name == "--version" || name == "version") {
    write_stdout("freestone " FREESTONE_VERSION "\n");
    return 0;
  }
  if (name == "--help" || name == "-h" || name == "help") {
    write_stdout(words.size() > 1 ? command_help(find_command(words[1])) : program_help());
    return 0;
  }
  // Not for people: the process in which HDF5's library looks at files.
  if (name == kServeHdf5) return formats::hdf5::serve_descriptions();
  formats::hdf5::describe_in_process({"/proc/self/exe", kServeHdf5});
  const CommandRow& row = find_command(name);
  const std::span<const std::string> rest(words.begin() + 1, words.end());
  // `--help` behind a step explains the step.
  std::string step;
  for (std::size_t at = 0; at < rest.size(); ++at) {
    if (rest[at] == "!" || rest[at] == "[") step = at + 1 < rest.size() ? rest[at + 1] : "";
    if (rest[at] == "--help" || rest[at] == "-h") {
      write_stdout(step.empty() ? command_help(row) : step_help(step));
      return 0;
    }
  }
  // What is opened by this thread is not waited for any longer, then.
  const RemoteScope scope(g_cancel);
  return row.run(rest, row, {g_cancel});
}

int guarded(const std::vector<std::string>& words) {
  try {
    return run(words);
  } catch (const UsageError& error) {
    complain(error.what());
    return 2;
  } catch (const ClosedOutput&) {
    return 1;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kCancelled && g_signal != 0) {
      complain(g_signal == SIGINT ? "interrupted. Nothing was written." : "terminated. Nothing was written.");
      return 128 + g_signal;
    }
    complain(error.kind() == ErrorKind::kInternal ? fmt::format("{} This is a defect of Freestone; please report it.", error.what())
                                                  : error.what());
    return 1;
  } catch (const std::bad_alloc&) {
    complain("the system gave no more memory. Lower the budget with --memory, or --threads.");
    return 1;
  } catch (const std::exception& error) {
    complain(fmt::format("{} This is a defect of Freestone; please report it.", error.what()));
    return 1;
  }
}

}  // namespace
}  // namespace freestone::cli

int main(int count, char** words) {
  freestone::cli::catch_signals();
  const int code = freestone::cli::guarded({words + std::min(count, 1), words + count});
  // Static destructors have nothing to do that the system does not do faster.
  std::fflush(nullptr);
  _exit(code);
}
