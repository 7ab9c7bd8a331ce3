#include "freestone/cli/pipeline_run.h"

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "freestone/base/log.h"
#include "freestone/cli/cluster.h"
#include "freestone/cli/print.h"
#include "freestone/cli/stacked_files.h"
#include "freestone/core/paper_source.h"
#include "freestone/exec/cluster_forecast.h"
#include "freestone/label/open.h"
#include "freestone/plan/explain.h"
#include "freestone/plan/plan_json.h"
#include "freestone/runtime/events.h"
#include "freestone/storage/file.h"
#include "freestone/storage/location.h"
#include "freestone/watch/plan_picture.h"
#include "freestone/watch/profile.h"
#include "freestone/watch/progress.h"

namespace freestone::cli {
namespace {

/// What goes into the history of outputs: of a URL without its query, which may hold what opens doors.
std::string file_name(const std::string& path) { return leaf_of(path); }

std::string stem(const std::string& path) {
  const std::string name = file_name(path);
  const auto dot = name.find('.');
  return dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
}

/// The INPUTs of a command.
std::vector<std::string> inputs_of(const Arguments& arguments, const std::string& command) {
  if (arguments.words().empty()) refuse("{} needs an INPUT: freestone {} FILE ! STEP. 'freestone {} --help' explains.", command, command, command);
  return arguments.words();
}

/// "tas,pr", without what nobody could mean by it.
std::vector<std::string> variables_of(const Arguments& arguments) { return arguments.list("var"); }

nlohmann::json describe_sinks(const Request& request) {
  nlohmann::json sinks = nlohmann::json::array();
  for (const Output& output : request.outputs()) {
    const Spec& spec = output.sink->spec();
    sinks.push_back({{"to", output.sink->caps().on_disk ? output.sink->name() : "memory"},
                     {"shape", spec.shape.to_vector()},
                     {"dtype", name_of(spec.dtype)}});
  }
  return sinks;
}

nlohmann::json json_of(const Pipeline& pipeline) {
  nlohmann::json steps = nlohmann::json::array();
  for (const StepCall& call : pipeline) {
    nlohmann::json branches = nlohmann::json::array();
    for (const Pipeline& branch : call.branches) branches.push_back(json_of(branch));
    nlohmann::json step = {{"step", call.name}, {"words", call.words}};
    if (!branches.empty()) step["branches"] = branches;
    steps.push_back(step);
  }
  return steps;
}

Pipeline pipeline_of(const nlohmann::json& steps, int depth = 0) {
  if (depth > 64) fail(ErrorKind::kData, "The plan is damaged: its steps are nested too deeply.");
  Pipeline pipeline;
  for (const auto& step : steps) {
    StepCall call{step.at("step").get<std::string>(), step.at("words").get<std::vector<std::string>>(), {}};
    if (step.contains("branches"))
      for (const auto& branch : step.at("branches")) call.branches.push_back(pipeline_of(branch, depth + 1));
    pipeline.push_back(std::move(call));
  }
  return pipeline;
}

/// The files as one dataset, or side by side where --stack says so.
Flow open_inputs(const Asking& asking, const CfOptions& numbers) {
  if (asking.stack.empty()) {
    if (asking.inputs.size() > 1) {
      const std::string& first = asking.inputs.front();
      const bool has_names = formats::open_file(formats::split_selector(files_of(first).front()).path).is_group;
      if (!has_names)
        refuse("{} and {} more: such files have no coordinates by which they could follow each other, so a pipeline takes one INPUT of them. --stack DIM "
               "puts several side by side; others for calc and mask come in by --with NAME=FILE.",
               first, asking.inputs.size() - 1);
    }
    return open_flow(asking.inputs, asking.variables, numbers);
  }
  if (asking.variables.size() > 1) refuse("--stack puts one array of each file beside the others: --var names one, not {}.", fmt::join(asking.variables, ", "));
  std::vector<std::string> files;
  for (const std::string& input : asking.inputs) {
    for (const std::string& file : files_of(input)) files.push_back(asking.variables.empty() ? file : fmt::format("{}[{}]", file, asking.variables.front()));
  }
  Flow flow;
  flow.arrays = {stacked(files, asking.stack, numbers)};
  return flow;
}

}  // namespace

Asked ask(const Asking& asking, const std::function<void(astro::SkyArray&)>& change, const CfOptions& numbers) {
  Asked asked;
  std::map<std::string, astro::SkyArray> named;
  for (const std::string& pair : asking.with) {
    const auto equals = pair.find('=');
    const std::string name = pair.substr(0, equals);
    const bool is_name = !name.empty() &&
                         std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; }) &&
                         !std::isdigit(static_cast<unsigned char>(name[0]));
    if (equals == std::string::npos || equals + 1 == pair.size() || !is_name)
      refuse("--with takes NAME=FILE, as in --with c=continuum.fits, not '{}'.", pair);
    if (name == "x") refuse("--with {}: 'x' is the name of the input itself.", pair);
    if (named.count(name) > 0) refuse("--with {}: the name '{}' is given twice.", pair, name);
    named[name] = open_flow({pair.substr(equals + 1)}, {}, numbers).array();
    if (change) change(named[name]);
  }
  Flow flow = open_inputs(asking, numbers);
  if (change)
    for (astro::SkyArray& array : flow.arrays) change(array);
  const std::string& first = asking.inputs.front();
  flow.label = flow.arrays.size() == 1 && !flow.arrays[0].name.empty() ? flow.arrays[0].name : stem(first);
  flow.input = file_name(first);
  flow.history = "freestone run";
  for (const std::string& input : asking.inputs) flow.history += " " + shell_word(file_name(input));
  if (!asking.stack.empty()) flow.history += " --stack " + shell_word(asking.stack);
  for (const std::string& pair : asking.with)
    flow.history += " --with " + shell_word(pair.substr(0, pair.find('=') + 1) + file_name(pair.substr(pair.find('=') + 1)));
  asked.request = std::make_shared<Request>(std::move(named), asking.overwrite, asking.format);
  apply_pipeline(asking.pipeline, std::move(flow), *asked.request);
  return asked;
}

/// Files of gzip are decompressed when they are opened, in the folder that the environment names.
void use_temp_dir(const Arguments& arguments) {
  if (const std::string folder = arguments.text("temp-dir"); !folder.empty()) setenv("FREESTONE_TEMP_DIR", folder.c_str(), 1);
}

Settings settings_of(const Arguments& arguments) {
  Settings settings;
  // Whoever asks for settings later gets the level from the environment.
  if (arguments.has("log-level")) setenv("FREESTONE_LOG_LEVEL", arguments.text("log-level").c_str(), 1);
  if (arguments.has("threads")) {
    const Index threads = arguments.integer("threads", 0, 1);
    if (threads > 4096) refuse("--threads must be at most 4096, not {}.", threads);
    settings.threads = static_cast<int>(threads);
  }
  if (arguments.has("memory")) {
    settings.memory_bytes = arguments.parsed("memory", parse_bytes);
    if (settings.memory_bytes == 0) refuse("--memory must be above 0.");
  }
  settings.temp_dir = arguments.text("temp-dir");
  return resolved(settings);
}

void watched(const Arguments& arguments, const Process& process, const std::function<void(const ComputeOptions& options)>& work) {
  const std::string profile_path = arguments.text("profile");
  const bool known = profile_path.ends_with(".json") || profile_path.ends_with(".html") || profile_path.ends_with(".txt");
  if (!profile_path.empty() && !known) refuse("--profile '{}': give a name that ends in .json, .html or .txt.", profile_path);
  EventStream events;
  ComputeOptions options{settings_of(arguments),        &events,       &process.cancel, arguments.has("resume"),
                         arguments.all("without-pass"), open_reference};
  const char* from_environment = std::getenv("FREESTONE_PROGRESS");
  const std::string mode = arguments.text("progress", from_environment == nullptr || *from_environment == '\0' ? "auto" : from_environment);
  if (auto progress = watch::make_progress(watch::parse_progress_mode(mode))) events.subscribe(std::move(progress));
  std::shared_ptr<watch::Profile> profile;
  if (!profile_path.empty()) events.subscribe(profile = std::make_shared<watch::Profile>());
  try {
    work(options);
  } catch (const Error& failure) {
    const bool refused = failure.kind() == ErrorKind::kUser;
    // A run that failed is worth looking at too, one that was refused is not. The error to report is the run's, not that of saving.
    try {
      if (profile && !(profile->stages().empty() && refused)) profile->save(profile_path);
    } catch (const Error& error) {
      log(LogLevel::kWarning, "{}", error.what());
    }
    throw;
  }
  if (profile) profile->save(profile_path);
}

void run_asked(Request& request, const Arguments& arguments, const Process& process, const std::string& title) {
  const std::optional<ClusterAddress> cluster = cluster_of(arguments);
  watched(arguments, process, [&](const ComputeOptions& options) {
    cluster ? write_on_cluster(request.outputs(), options, *cluster) : write_outputs(request.outputs(), options);
  });
  const std::string text = request.finish();
  write_stdout(title.empty() || text.empty() ? text : title + "\n" + text);
}

void run_saved_plan(const std::string& path, const Arguments& arguments, const Process& process) {
  if (cluster_of(arguments)) refuse("run --plan with --scheduler: a plan for a cluster is made for its workers; give INPUT and steps instead.");
  for (const char* name : {"threads", "memory"})
    if (arguments.has(name)) refuse("--{} is part of the plan {}; make the plan again with another.", name, path);
  std::ifstream file(path);
  if (!file) fail_errno(errno, fmt::format("{}: cannot be opened", path));
  const nlohmann::json json = nlohmann::json::parse(file, nullptr, false);
  try {
    if (!json.is_object() || !json.contains("plan") || !json.contains("command"))
      fail(ErrorKind::kData, "{}: is not a plan that 'freestone plan ... --json' made (keys \"plan\" and \"command\").", path);
    const auto& command = json.at("command");
    const Asked asked = ask({.inputs = command.at("inputs").get<std::vector<std::string>>(),
                             .variables = command.at("variables").get<std::vector<std::string>>(),
                              .stack = command.at("stack").get<std::string>(),
                             .with = command.at("with").get<std::vector<std::string>>(),
                             .pipeline = pipeline_of(command.at("steps")),
                             .overwrite = arguments.has("overwrite") || command.at("overwrite").get<bool>(),
                             .format = arguments.text("format", command.at("format").get<std::string>())});
    const Plan plan = plan_from_json(json.at("plan"), open_reference);
    const auto& outputs = asked.request->outputs();
    bool fits = outputs.size() == plan.roots.size();
    for (std::size_t k = 0; fits && k < outputs.size(); ++k) fits = plan.spec(plan.roots[k]) == outputs[k].sink->spec();
    if (!fits) fail(ErrorKind::kData, "{}: the plan and its command do not belong together. Make the plan again.", path);
    watched(arguments, process, [&](const ComputeOptions& options) {
      std::vector<std::shared_ptr<Sink>> sinks;
      for (const Output& output : outputs) sinks.push_back(output.sink);
      run_plan(plan, sinks, {options.settings.temp_dir, options.events, options.cancel});
    });
    write_stdout(asked.request->finish());
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::kData, "{}: the plan is damaged: {}", path, error.what());
  }
}

namespace {

/// The name of a file without its suffix, and without that of a compressor: "a.b.fits.gz" is "a.b".
std::string stem_of_each(const std::string& path) {
  std::string name = file_name(formats::split_selector(path).path);
  for (const char* suffix : {".gz", ".fz", ".bz2", ".zst"})
    if (name.ends_with(suffix) && name.find('.') + std::string_view(suffix).size() < name.size()) name.resize(name.size() - std::string_view(suffix).size());
  return stem_of(name);
}

constexpr std::string_view kStem = "{stem}";

void put_stem(Pipeline& pipeline, const std::string& stem) {
  for (StepCall& call : pipeline) {
    for (std::string& word : call.words)
      for (auto at = word.find(kStem); at != std::string::npos; at = word.find(kStem, at + stem.size())) word.replace(at, kStem.size(), stem);
    for (Pipeline& branch : call.branches) put_stem(branch, stem);
  }
}

/// Refuses outputs that all files would go to.
void want_stem(const Pipeline& pipeline) {
  for (const StepCall& call : pipeline) {
    if ((call.name == "write" || call.name == "plot") && std::none_of(call.words.begin(), call.words.end(), [](const std::string& w) { return w.find(kStem) != std::string::npos; }))
      refuse("{}: with --each the results of all files would go to one name. Put {{stem}} into it: {{stem}}_out.fits.", to_text(call));
    for (const Pipeline& branch : call.branches) want_stem(branch);
  }
}

/// A batch: the pipeline for each file by itself.
int run_each(const Pipeline& pipeline, const Arguments& arguments, const Process& process) {
  if (arguments.has("stack")) refuse("--each takes the files one by one, --stack puts them side by side. Give one of them.");
  std::vector<std::string> files;
  for (const std::string& input : inputs_of(arguments, "run"))
    for (const std::string& file : files_of(input)) files.push_back(file);
  std::map<std::string, std::string> stems;
  for (const std::string& file : files) {
    const auto [found, is_new] = stems.emplace(stem_of_each(file), file);
    if (!is_new && files.size() > 1) refuse("--each: {} and {} have one stem, '{}': their results would go to one name.", found->second, file, found->first);
  }
  if (files.size() > 1) {
    want_stem(pipeline);
    if (arguments.has("profile")) refuse("--profile is of one run, and --each makes {}.", files.size());
  }
  for (const std::string& file : files) {
    Pipeline own = pipeline;
    put_stem(own, stem_of_each(file));
    const std::string format = arguments.text("format", "table");
    const Asked asked = ask({.inputs = {file}, .variables = variables_of(arguments), .stack = "", .with = arguments.all("with"), .pipeline = std::move(own),
                             .overwrite = arguments.has("overwrite"), .format = format});
    // Numbers of several files: whose they are.
    run_asked(*asked.request, arguments, process, files.size() > 1 && format == "table" ? file : "");
  }
  return 0;
}

}  // namespace

int run_pipeline(std::span<const std::string> words, const CommandRow& row, const Process& process) {
  const CommandWords command = parse_command(words);
  const Arguments arguments(command.head, row.options, "run: ");
  set_url_options(arguments);
  use_temp_dir(arguments);
  if (arguments.has("plan")) {
    if (!arguments.words().empty() || !command.pipeline.empty() || arguments.has("with"))
      refuse("run --plan takes no INPUT and no steps: the plan has them.");
    run_saved_plan(arguments.text("plan"), arguments, process);
    return 0;
  }
  if (arguments.has("each")) return run_each(command.pipeline, arguments, process);
  const Asked asked = ask({.inputs = inputs_of(arguments, "run"), .variables = variables_of(arguments), .stack = arguments.text("stack"), .with = arguments.all("with"),
                           .pipeline = command.pipeline, .overwrite = arguments.has("overwrite"), .format = arguments.text("format", "table")});
  run_asked(*asked.request, arguments, process);
  return 0;
}

namespace {

// Bytes a second.
constexpr double kNoLimit = 1e12;

/// The passes of the planner, with what they did and took in `plan` (null: not said).
std::string pass_table(const Plan* plan) {
  std::string text;
  const auto took = [&](const std::string& name) -> std::string {
    if (plan != nullptr)
      for (const PassRecord& record : plan->passes)
        if (record.name == name) return fmt::format("{:>8.3f} ms {:>6}  ", record.seconds * 1e3, record.changes);
    return plan == nullptr ? "" : fmt::format("{:>19}", "");
  };
  for (const PassInfo& pass : all_passes()) text += fmt::format("{:<20}  {}{}\n", pass.name, took(pass.name), pass.why);
  return text;
}

/// The simulated input: longer, and never read.
std::function<void(astro::SkyArray&)> longer(const Arguments& arguments) {
  if (!arguments.has("size-factor")) {
    if (arguments.has("size-axis")) refuse("--size-axis goes with --size-factor.");
    return {};
  }
  const double factor = arguments.number("size-factor", 1);
  if (!(factor > 0)) refuse("--size-factor must be above 0.");
  return [factor, &arguments](astro::SkyArray& array) {
    if (array.rank() == 0) return;
    const int axis = normal_axis(arguments.integer("size-axis", 0, -kMaxRank), array.rank());
    array.coordinates.clear();  // of another length
    const Array data = array.data;
    // What stands between the file and the array (a dropped axis, a mask) is left out: it costs next to nothing.
    std::shared_ptr<const Source> source;
    for (const auto& node : topological_order({data}))
      if (node->op->source() != nullptr && !node->op->source()->memory()) source = node->op->source();
    const bool is_file = source != nullptr && source->spec() == data.spec();
    array.data =
        from_source(is_file ? std::make_shared<PaperSource>(source, axis, factor)
                            : std::make_shared<PaperSource>(std::make_shared<PaperSource>(data.shape(), data.dtype()), axis, factor));
  };
}

}  // namespace

int run_plan_only(std::span<const std::string> words, const CommandRow& row, const Process&) {
  const CommandWords command = parse_command(words);
  const Arguments arguments(command.head, row.options, "plan: ");
  if (cluster_of(arguments)) refuse("plan: --scheduler is for run; --cluster workers=...,memory=... plans for a cluster.");
  set_url_options(arguments);
  if (arguments.has("passes") && arguments.words().empty() && command.pipeline.empty()) {
    write_stdout(pass_table(nullptr));
    return 0;
  }
  const Asking asking{.inputs = inputs_of(arguments, "plan"), .variables = variables_of(arguments), .stack = arguments.text("stack"), .with = arguments.all("with"),
                      .pipeline = command.pipeline, .overwrite = arguments.has("overwrite"), .format = arguments.text("format", "table")};
  use_temp_dir(arguments);
  const Asked asked = ask(asking, longer(arguments));
  ComputeOptions options{settings_of(arguments)};
  options.without_passes = arguments.all("without-pass");
  const bool simulated = arguments.has("cores") || arguments.has("size-factor") || arguments.has("disk");
  if (arguments.has("cores")) options.settings.threads = static_cast<int>(std::min<Index>(arguments.integer("cores", 1, 1), 1 << 20));
  if (arguments.has("disk")) options.disk_bytes_per_second = static_cast<double>(arguments.parsed("disk", parse_bytes));
  options.simulated = simulated || arguments.has("cluster");
  if (arguments.has("cluster")) {
    for (const char* other : {"json", "picture", "cores", "disk", "threads", "memory"})
      if (arguments.has(other)) refuse("plan: --cluster goes without --{}.", other);
    const ClusterShape shape = arguments.parsed("cluster", parse_cluster);
    // What the disk takes is told apart from what processors do.
    options.disk_bytes_per_second = kNoLimit;
    ClusterOptions cluster{options, options.settings, {}};
    cluster.compute.settings.memory_bytes = task_memory(shape);
    cluster.compute.settings.threads = 1;
    write_stdout(explain(ClusterRun(asked.request->outputs(), cluster), shape));
    return 0;
  }
  const Index baseline = resident_bytes();
  const Plan plan = plan_outputs(asked.request->outputs(), options);
  if (arguments.has("picture")) watch::save_plan_picture(plan, arguments.text("picture"));
  if (!arguments.has("json")) {
    write_stdout((simulated ? "simulated: " : "") + explain(plan, baseline));
    if (arguments.has("passes")) write_stdout(pass_table(&plan));
    return 0;
  }
  const nlohmann::json json = {{"plan", to_json(plan)},
                               {"forecast_peak_bytes", plan.total.peak_bytes + baseline},
                               {"simulated", simulated},
                               {"sinks", describe_sinks(*asked.request)},
                               {"command",
                                {{"inputs", asking.inputs},
                                 {"stack", asking.stack},
                                 {"variables", asking.variables},
                                 {"stack", asking.stack},
                                 {"with", asking.with},
                                 {"steps", json_of(command.pipeline)},
                                 {"overwrite", arguments.has("overwrite")},
                                 {"format", asking.format}}}};
  write_stdout(json.dump(1) + "\n");
  return 0;
}

int run_convert(std::span<const std::string> words, const CommandRow& row, const Process& process) {
  const Arguments arguments(words, row.options, "convert: ");
  set_url_options(arguments);
  if (arguments.words().size() != 2) refuse("convert takes two names, IN and OUT, not {}.", arguments.words().size());
  StepCall call{"write", {}, {}};
  for (const OptionRow& option : find_step("write").options) {
    if (option.name == "overwrite" || !arguments.has(option.name)) continue;
    call.words.push_back("--" + option.name);
    if (!option.value.empty()) call.words.push_back(arguments.text(option.name));
  }
  call.words.insert(call.words.end(), {"--", arguments.words()[1]});
  // Numbers as they are stored, with the attributes that say what they mean: nothing is computed that would need more.
  use_temp_dir(arguments);
  const Asked asked = ask({.inputs = {arguments.words()[0]}, .variables = variables_of(arguments), .with = {}, .pipeline = {call},
                           .overwrite = arguments.has("overwrite"), .format = "table"},
                          {}, {.mask_and_scale = false});
  run_asked(*asked.request, arguments, process);
  return 0;
}

}  // namespace freestone::cli
