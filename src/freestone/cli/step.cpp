#include "freestone/cli/step.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "freestone/cli/print.h"
#include "freestone/storage/memory_store.h"

namespace freestone::cli {

void Request::add_file(const std::string& path, std::vector<Output> outputs) {
  claim(path);
  for (Output& output : outputs) outputs_.push_back(std::move(output));
}

Result Request::add_result(const Array& array) {
  auto store = std::make_shared<MemoryStore>(array.spec());
  auto tensor = std::make_shared<Tensor>();
  outputs_.push_back({array, store->sink()});
  fill_.push_back([store, tensor] { *tensor = Tensor(store->view(), store->source()); });
  return tensor;
}

void Request::claim(const std::string& path) {
  if (std::find(claimed_.begin(), claimed_.end(), path) != claimed_.end())
    refuse("{}: two results of this run would go there. Give each its own name.", path);
  claimed_.push_back(path);
}

std::string Request::finish() {
  for (const auto& fill : fill_) fill();
  fill_.clear();
  std::string text;
  for (const auto& work : work_) text += work();
  return text;
}

const std::vector<StepRow>& step_table() {
  static const std::vector<StepRow> kTable = [] {
    std::vector<StepRow> all;
    for (const auto& rows : {reduction_steps(), filter_steps(), part_steps(), label_steps(), arithmetic_steps(), raster_steps(), grid_steps(), output_steps()})
      all.insert(all.end(), rows.begin(), rows.end());
    return all;
  }();
  return kTable;
}

std::vector<std::string> step_names() {
  std::vector<std::string> names;
  for (const StepRow& row : step_table()) names.push_back(row.name);
  names.emplace_back("tee");
  return names;
}

const StepRow& find_step(const std::string& name) {
  for (const StepRow& row : step_table())
    if (row.name == name) return row;
  const std::string near = suggestion(name, step_names());
  refuse("There is no step '{}'.{}", name, near.empty() ? " 'freestone steps' lists them." : near);
}

namespace {

/// Prints what a pipeline ends with, when it is numbers or small arrays.
void print_end(const Flow& flow, Request& request) {
  std::vector<Result> results;
  for (const astro::SkyArray& array : flow.arrays) {
    const Array& data = array.data;
    if (data.size() > (data.rank() <= 1 ? kLargestPrint : kLargestPrintedImage))
      refuse(
          "The result{}, {} {} of shape {} ({}), goes nowhere: nothing is computed that no sink needs. End with '! write FILE' or '! plot "
          "FILE.png', or with a step that makes it small, such as '! "
          "statistics'.",
          flow.is_dataset() ? " " + array.name : "", format_count(data.size()), name_of(data.dtype()), to_string(data.shape()), format_bytes(data.bytes()));
    results.push_back(request.add_result(data));
  }
  request.afterwards([arrays = flow.arrays, label = flow.label, results, format = request.format()] {
    if (arrays.size() == 1) return print_array(arrays[0], label, *results[0], format);
    return print_arrays(arrays, results, format);
  });
}

}  // namespace

void apply_pipeline(const Pipeline& pipeline, Flow flow, Request& request) {
  bool ended_with_sink = false;
  for (const StepCall& call : pipeline) {
    if (call.name == "tee") {
      if (flow.grouping) refuse("{} makes groups for a reduction, and tee follows. Put it into each branch.", flow.grouped_by);
      if (call.branches.empty() || !call.words.empty())
        refuse("tee takes branches in brackets and nothing else: tee [ STEP ! STEP ] [ STEP ].");
      for (const Pipeline& branch : call.branches) apply_pipeline(branch, flow, request);
      ended_with_sink = true;
      continue;
    }
    const StepRow& row = find_step(call.name);
    const Arguments arguments(call.words, row.options, row.name + ": ");
    if (row.words.empty() && !arguments.words().empty())
      refuse("{}: '{}' is too much; it takes options only ('freestone steps {}').", row.name, arguments.words().front(), row.name);
    if (!row.words.empty() && arguments.words().size() != 1)
      refuse("{} takes one {}{}.", row.name, row.words,
             arguments.words().empty() ? "" : fmt::format(", not {}: {}", arguments.words().size(), fmt::join(arguments.words(), " ")));
    try {
      if (flow.grouping && row.reduces_groups == false)
        fail(ErrorKind::kUser, "the step {} before it makes groups, and a reduction must follow: mean, sum, min, max, std, var, count, first or last.", flow.grouped_by);
      if (!row.is_sink) {
        flow.history += " ! " + to_text(call);
        // Behind a step nobody knows which elements they are of.
        flow.texts.clear();
        flow.beside.clear();
        flow.mask.reset();
      }
      row.apply(flow, arguments, request);
    } catch (Error& error) {
      throw error.within("step " + row.name);
    }
    ended_with_sink = row.is_sink;
  }
  if (flow.grouping) refuse("{} makes groups for a reduction, and none follows: end with '! mean', say.", flow.grouped_by);
  if (!ended_with_sink) print_end(flow, request);
}

}  // namespace freestone::cli
