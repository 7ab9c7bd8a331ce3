/// Steps: what may stand between the "!" of a pipeline, one row each.
///
/// A step changes the array that flows through the pipeline, or registers a result (a file, a picture, printed numbers)
/// and passes its input on. Nothing is read while steps are applied: they build a graph. All results of a run are then
/// planned together, so that one pass over the input serves all of them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "freestone/astro/sky_array.h"
#include "freestone/cli/arguments.h"
#include "freestone/cli/flow.h"
#include "freestone/cli/pipeline_parser.h"
#include "freestone/exec/compute.h"
#include "freestone/label/coordinate.h"
#include "freestone/label/data_array.h"

namespace freestone::cli {

/// An array that will be in memory when the run is done.
using Result = std::shared_ptr<const Tensor>;

/// What a run was asked for, gathered step by step.
class Request {
 public:
  /// @param format  of printed numbers: table, json, csv
  Request(std::map<std::string, astro::SkyArray> named, bool overwrite, std::string format)
      : named_(std::move(named)), overwrite_(overwrite), format_(std::move(format)) {}

  const std::map<std::string, astro::SkyArray>& named() const { return named_; }
  bool overwrite() const { return overwrite_; }
  const std::string& format() const { return format_; }

  /// A result that goes to a sink of its own, such as a file.
  void add_file(const std::string& path, std::vector<Output> outputs);
  /// A result in memory, for what is printed or drawn.
  Result add_result(const Array& array);
  /// Claims the name of a file to be written. @throws UsageError  two results of one run would go there
  void claim(const std::string& path);
  /// Work for when everything is computed: the text to print, "" for none. In the order of the pipeline.
  void afterwards(std::function<std::string()> work) { work_.push_back(std::move(work)); }

  const std::vector<Output>& outputs() const { return outputs_; }
  /// Names of the outputs for people: paths, and "memory".
  bool empty() const { return outputs_.empty(); }
  /// Gives the results their values (after the run) and calls the work; returns what is to be printed.
  std::string finish();

 private:
  std::map<std::string, astro::SkyArray> named_;
  bool overwrite_;
  std::string format_;
  std::vector<Output> outputs_;
  std::vector<std::function<void()>> fill_;
  std::vector<std::function<std::string()>> work_;
  std::vector<std::string> claimed_;
};

struct StepRow {
  std::string name;
  std::string words;    ///< what it takes beside options: "PATH", ""
  std::string summary;  ///< one line
  std::string example;  ///< a pipeline after "freestone run "
  bool is_sink;         ///< it leaves a result, so that the pipeline may end with it
  std::vector<OptionRow> options;
  void (*apply)(Flow& flow, const Arguments& arguments, Request& request);
  bool reduces_groups = false;  ///< it may follow `group` and `resample`
};

/// All steps but `tee`, in the order that help shows.
const std::vector<StepRow>& step_table();
/// @throws UsageError  no such step, with the nearest name
const StepRow& find_step(const std::string& name);
/// Names of all steps, `tee` too.
std::vector<std::string> step_names();

/// Applies a pipeline to `flow` and gathers what it asks for. Its end prints what is numbers or a small array.
/// @throws UsageError  unknown step or option; an end whose result is neither kept nor small enough to print
void apply_pipeline(const Pipeline& pipeline, Flow flow, Request& request);

// The rows of each subject, for the table.
std::vector<StepRow> reduction_steps();
std::vector<StepRow> filter_steps();
std::vector<StepRow> part_steps();
std::vector<StepRow> arithmetic_steps();
std::vector<StepRow> raster_steps();
std::vector<StepRow> grid_steps();
std::vector<StepRow> output_steps();
std::vector<StepRow> label_steps();

// Of steps_labels.cpp, for select and the reductions.

/// The labels that `arguments` name axis by axis.
void select_labels(Flow& flow, const Arguments& arguments, Match match, const std::string& step);
/// West, south, east, north, in degrees, of axes with latitudes and longitudes.
void select_box(Flow& flow, const std::vector<double>& box);
/// Folds the groups that the step before has made; with `weights` also along `dims`.
void reduce_groups(Flow& flow, const std::string& function, const std::optional<DataArray>& weights = {}, const std::vector<std::string>& dims = {});

// Of steps_raster.cpp, for select, calc and mask.

/// Bands by number from 1 or by name: one (the axis goes), several by comma, or FIRST:LAST with both ends; what the file says of each band goes with it.
void select_bands(Flow& flow, const std::string& text, const std::string& step);

/// What an image made of the bands of `array` has from it: all but what is said of bands, or of the numbers as they were.
std::vector<formats::Attribute> attributes_of_image(const astro::SkyArray& array);
/// What is still said of `array` when its numbers have become others.
std::vector<formats::Attribute> attributes_of_pixels(const astro::SkyArray& array);

/// The bands of a raster by name: b1, b2 ..., and those of band_names that can stand in an expression. Nothing for an array without bands.
std::map<std::string, astro::SkyArray> bands_by_name(const astro::SkyArray& array);

}  // namespace freestone::cli
