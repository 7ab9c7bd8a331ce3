#include "freestone/cli/commands.h"

#include <fmt/ranges.h>

#include <cstdlib>

#include "freestone/cli/print.h"
#include "freestone/cli/step.h"
#include "freestone/kernels/elementwise.h"
#include "freestone/storage/remote_options.h"

namespace freestone::cli {

std::vector<OptionRow> url_options() {
  return {
      {"remote-connections", "N", "requests over HTTP at a time (default 16)"},
      {"remote-retries", "N", "how often a request that fails in passing is made again (default 5)"},
      {"remote-timeout", "SECONDS", "how long a server may be silent (default 30)"},
      {"remote-whole", "SIZE", "the largest file that is taken whole from a server that gives no parts (default 256MiB)"},
      {"s3-anonymous", "", "requests to s3:// are not signed"},
      {"s3-profile", "NAME", "whose credentials sign them, of ~/.aws/credentials and ~/.aws/config"},
      {"s3-endpoint", "URL", "a store that speaks S3, instead of Amazon's"},
      {"s3-region", "NAME", "where the bucket is, when the store does not say"},
  };
}

void set_url_options(const Arguments& arguments) {
  for (const auto& [option, variable] : {std::pair{"remote-connections", "FREESTONE_REMOTE_CONNECTIONS"},
                                         {"remote-retries", "FREESTONE_REMOTE_RETRIES"},
                                         {"remote-timeout", "FREESTONE_REMOTE_TIMEOUT"},
                                         {"remote-whole", "FREESTONE_REMOTE_WHOLE"},
                                         {"s3-profile", "AWS_PROFILE"},
                                         {"s3-endpoint", "AWS_ENDPOINT_URL_S3"},
                                         {"s3-region", "AWS_REGION"}}) {
    if (arguments.has(option)) setenv(variable, arguments.text(option).c_str(), 1);
  }
  if (arguments.has("s3-anonymous")) setenv("AWS_NO_SIGN_REQUEST", "YES", 1);
  // A profile that is named comes before keys in the environment.
  if (arguments.has("s3-profile")) {
    for (const char* variable : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}) unsetenv(variable);
  }
  try {
    remote_connections();
    remote_whole_bytes();
    default_remote_options();
  } catch (const Error& error) {
    refuse("{}{}", arguments.where(), error.what());
  }
}

std::vector<OptionRow> run_options() {
  std::vector<OptionRow> rows = {
      {"threads", "N", "compute lanes (default: all cores)"},
      {"memory", "SIZE", "the budget, such as 2GiB (default: half of what the process may use)"},
      {"temp-dir", "DIR", "where intermediate results go that do not fit the budget"},
      {"overwrite", "", "outputs may replace files"},
      {"resume", "", "takes up the same command where it was killed; finished parts of outputs are not made again"},
      {"without-pass",
       "NAME",
       "leaves out a pass of the planner ('freestone plan --passes' lists them); may be given several times",
       {},
       true},
      {"scheduler", "ADDRESS", "a Dask cluster computes: the address of its scheduler, such as tcp://host:8786"},
      {"scheduler-file", "FILE", "the same by the scheduler.json that its scheduler wrote"},
      {"progress", "HOW", "auto (default), bar, json or none; on stderr", {"auto", "bar", "json", "none"}},
      {"profile", "FILE", "where time, bytes and memory went: .json, .html or .txt"},
      {"log-level", "LEVEL", "debug, info, warning, error, none", {"debug", "info", "warning", "error", "none"}},
  };
  const std::vector<OptionRow> urls = url_options();
  rows.insert(rows.end(), urls.begin(), urls.end());
  return rows;
}

std::vector<OptionRow> joined(std::vector<OptionRow> a, const std::vector<OptionRow>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const std::vector<CommandRow>& command_table() {
  static const OptionRow kFormat = {"format", "FORMAT", "how numbers are printed: table (default), json, csv", {"table", "json", "csv"}};
  static const OptionRow kWith = {"with", "NAME=FILE", "another array, for calc and mask; may be given several times", {}, true};
  static const OptionRow kStack = {"stack", "DIM", "several INPUTs side by side along an axis, such as the bands of a raster: --stack band"};
  static const OptionRow kVar = {"var", "NAME", "the array that is meant, of a group or file that holds several; run, plan and convert take several by comma"};
  static const OptionRow kJson = {"json", "", "one JSON object on stdout"};
  static const std::vector<CommandRow> kTable = {
      {"info", "FILE...", "shape, dtype, chunks, unit, axes, coordinates, WCS, beam, and what else the file holds; of several files, what they are together", joined({kJson, kVar}, url_options()), run_info},
      {"run", "INPUT... [! STEP [options]]...", "a pipeline; nothing is computed that no sink needs",
       joined({kWith, kVar, kStack, {"each", "", "each file of INPUT by itself, one after the other; '{stem}' in words of the steps is its name without suffix"}, {"plan", "FILE", "a plan saved by 'freestone plan ... --json', instead of INPUT and steps"}, kFormat}, run_options()),
       run_pipeline},
      {"plan", "INPUT... [! STEP [options]]...", "what run would do: stages, tiles, bytes, tasks, peak memory; nothing is read or written",
       joined({kWith,
               kVar,
               kStack,
               kJson,
               kFormat,
               {"picture", "FILE", "draws the plan: .svg, .pdf or .png"},
               {"passes", "", "what the planner does, pass by pass, and what each took"},
               {"cores", "N", "simulates a machine of so many cores"},
               {"size-factor", "F", "simulates data F times as long"},
               {"size-axis", "N", "the axis that is longer (default: the first)"},
               {"disk", "RATE", "simulates a disk that reads and writes so much a second in all, such as 2GB"},
               {"cluster", "WHAT", "simulates a Dask cluster: workers=1000,threads=8,memory=32GiB,disk=20GB,network=1.25GB; cores=2 where they share fewer than threads; bytes a second of the disk that all share, and of one worker's network"}},
              run_options()),
       run_plan_only},
      {"convert", "IN OUT", "a file in another format, told by the suffix; numbers stay as they are stored",
       joined(joined({{"as", "FORMAT", "a format by its name, whatever the suffix ('freestone doctor' lists them)"},
                      {"dtype", "DTYPE", "converts the elements"},
                      kVar},
                     packing_options()),
              run_options()),
       run_convert},
      {"compare", "A B", "do two files hold the same data, axes and units; where not. Exit code 1 when they differ",
       joined({{"rtol", "R", "relative difference that is allowed (default 0)"},
               {"atol", "A", "absolute difference that is allowed (default 0)"},
               {"data-only", "", "axes and units do not matter"},
               kVar,
               kFormat},
              run_options()),
       run_compare},
      {"references",
       "FILE... -o REFS.json|REFS.parq",
       "kerchunk references: where in the files which chunk lies, for Freestone, and for Zarr by way of fsspec",
       joined({{"output", "FILE", "the references: JSON, or for .parq and .parquet a folder of Parquet files; also -o FILE"},
               {"concat-dim", "NAME", "the files are joined along this dimension; without it each becomes a group"},
               {"overwrite", "", "they may replace what is there"}},
              url_options()),
       run_references},
      {"steps", "[NAME]", "the steps, or one step's help with an example", {}, run_steps},
      {"doctor",
       "",
       "versions, libraries, cores, memory, disks, CPU features",
       {kJson, {"calibrate", "", "measures disk, memory and cores for a few seconds and keeps the rates for plans"}},
       run_doctor},
      {"cluster",
       "start",
       "a Dask cluster on this machine, with a dashboard, until Ctrl-C or SIGTERM",
       {{"workers", "N", "worker processes (default: one for four cores)"},
        {"threads", "T", "of a worker (default: the cores, shared out)"},
        {"memory", "SIZE", "of a worker, such as 4GiB (default: the machine's, shared out)"},
        {"port", "N", "of the scheduler (default: a free one)"},
        {"dashboard-port", "N", "of the dashboard (default: 8787, or a free one)"},
        {"scheduler-file", "FILE", "writes where the scheduler is, for --scheduler-file of others"},
        {"no-dashboard", "", "without it"}},
       run_cluster},
      {"completion", "bash|zsh|fish", "completion for a shell:  source <(freestone completion bash)", {}, run_completion},
  };
  return kTable;
}

const CommandRow& find_command(const std::string& name) {
  std::vector<std::string> names;
  for (const CommandRow& row : command_table()) {
    if (row.name == name) return row;
    names.push_back(row.name);
  }
  const std::string near = suggestion(name, names);
  refuse("There is no command '{}'.{}", name, near.empty() ? fmt::format(" It is one of {}.", fmt::join(names, ", ")) : near);
}

std::string program_help() {
  std::string text =
      "freestone: computations on science data larger than memory\n\n"
      "  freestone COMMAND [options]\n\n";
  for (const CommandRow& row : command_table()) text += fmt::format("  {:<40}  {}\n", row.name + " " + row.words, row.summary);
  text +=
      "\n"
      "  freestone run cube.fits ! statistics\n"
      "  freestone run cube.fits ! sigma-clip --threshold 3 ! tee [ write clipped.fits ] [ moment --order 1 ! plot m1.png ] ! statistics\n"
      "\n"
      "'freestone COMMAND --help' explains a command, 'freestone steps' lists the steps of a pipeline.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 143 terminated.\n";
  return text;
}

std::string command_help(const CommandRow& row) {
  std::string text = fmt::format("freestone {}{}{}\n\n  {}\n", row.name, row.words.empty() ? "" : " ", row.words, row.summary);
  if (!row.options.empty()) text += "\n" + option_help(row.options);
  if (row.name == "run" || row.name == "plan") text += "\nOptions stand before the first '!'. 'freestone steps' lists the steps.\n";
  return text;
}

std::string step_help(const std::string& name) {
  if (name == "tee")
    return "tee [ STEP ! STEP... ] [ STEP... ]...\n\n  gives the same data to each branch and passes it on; all of it in one pass\n\n"
           "  freestone run cube.fits ! tee [ moment --order 0 ! write m0.fits ] [ moment --order 1 ! write m1.fits ] ! statistics\n";
  const StepRow& row = find_step(name);
  std::string text = fmt::format("{}{}{}\n\n  {}\n", row.name, row.words.empty() ? "" : " " + row.words,
                                 row.options.empty() ? "" : " [options]", row.summary);
  if (!row.options.empty()) text += "\n" + option_help(row.options);
  if (name == "calc" || name == "mask") {
    std::string names;
    for (const auto& function : kernels::elementwise_table()) names += (names.empty() ? "" : " ") + std::string(function.name);
    std::string aliases;
    for (const auto& alias : kernels::elementwise_aliases())
      aliases += fmt::format("{}{} = {}", aliases.empty() ? "" : ", ", alias.alias, alias.name);
    text += "\n  operators:   + - * / // % ** == != < <= > >= & | ^ ~ << >> and or not\n  functions:   " + names +
            "\n  also as:     " + aliases +
            "\n  reductions:  sum mean median std var mad_std min max rms count percentile, as mean(x, axis=spectral); a name alone is "
            "that of x\n";
  }
  return text + fmt::format("\n  freestone run {}\n", row.example);
}

int run_steps(std::span<const std::string> words, const CommandRow& row, const Process&) {
  const Arguments arguments(words, row.options, "steps: ");
  if (arguments.words().size() > 1) refuse("steps takes one name, not {}.", arguments.words().size());
  if (!arguments.words().empty()) {
    write_stdout(step_help(arguments.words().front()));
    return 0;
  }
  std::string text;
  for (const StepRow& step : step_table()) text += fmt::format("{:<12}  {}\n", step.name, step.summary);
  text += fmt::format("{:<12}  {}\n\n'freestone steps NAME' explains one with an example.\n", "tee",
                      "gives the same data to each branch in brackets, and passes it on");
  write_stdout(text);
  return 0;
}

int run_completion(std::span<const std::string> words, const CommandRow& row, const Process&) {
  const Arguments arguments(words, row.options, "completion: ");
  if (arguments.words().size() != 1) refuse("completion takes the name of a shell: bash, zsh or fish.");
  write_stdout(completion_script(arguments.words().front()));
  return 0;
}

}  // namespace freestone::cli
