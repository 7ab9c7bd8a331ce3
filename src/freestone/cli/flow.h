/// Flow: what passes from step to step of a pipeline: the labelled arrays, one as a rule, several of a dataset.
///
/// A step that works along axes works on every array that has them and leaves the others as they are, as cdo does with a file. One that
/// makes sense for a single array asks for it by `array()`. Coordinates and attributes travel with each array (astro/sky_array.h).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "freestone/astro/sky_array.h"
#include "freestone/label/grouping.h"

namespace freestone::cli {

struct Flow {
  std::vector<astro::SkyArray> arrays;
  std::vector<formats::Attribute> attributes;  ///< of the dataset as a whole
  std::vector<formats::TextRequest> texts;     ///< of the input: labels, which no step works on
  std::vector<DatasetVariable> beside;         ///< of the input: coordinates that no array has
  std::vector<formats::Group> groups;          ///< of the input: what groups of arrays say of themselves
  std::vector<std::string> unlimited_dims;     ///< of the input: axes that may grow there
  bool is_whole = false;                       ///< the input is a dataset, of which no array was chosen
  std::optional<Array> mask;                   ///< of the input, an image that is taken as it is stored
  std::optional<formats::AttributeValue> nodata;  ///< what was missing in the input, as long as numbers mean what they meant there
  std::optional<Grouping> grouping;            ///< set by `group` and `resample`, used by the reduction that follows
  std::string grouped_by;                      ///< the step that set it, for messages
  std::string label;    ///< what the numbers are, for pictures and tables: "moment 1"
  std::string history;  ///< the input and the steps so far
  std::string input;    ///< the file's name without folder

  bool is_dataset() const { return arrays.size() > 1; }
  /// The only array. @throws Error kind user: there are several, with their names
  astro::SkyArray& array();
  const astro::SkyArray& array() const { return const_cast<Flow*>(this)->array(); }
  /// "tas, pr".
  std::string names() const;
  /// The number of that axis in `array`, or none.
  static std::optional<int> axis_of(const astro::SkyArray& array, const std::string& name);
  /// `change`s every array that has one of `axes` (none named: every array), given those of them that it has.
  /// @throws Error kind user: no array has an axis of `axes`, with the nearest name
  using Change = std::function<astro::SkyArray(const astro::SkyArray&, const std::vector<std::string>& axes)>;
  void each(const std::vector<std::string>& axes, const Change& change);
  /// The arrays without their sky: what the labels of label/ work on.
  Dataset labelled() const { return astro::dataset_of(arrays, attributes); }
  /// Replaces every array by what `change` makes of it in the dataset of all of them.
  void change_labels(const std::function<Dataset(const Dataset&)>& change);
  /// The axis that is meant by `name`: one of the arrays', or by what its coordinate says of itself: time, lat, lon, level.
  /// @throws Error kind user: there is none, with the nearest name
  std::string dim(const std::string& name) const;
};

/// The inputs of a command: one file, or several (a glob) that follow each other along the coordinate that differs.
/// @param variables  names of the arrays that are meant; none: all that are no coordinates
/// @throws Error kind user, io, data: as open and open_datasets; several files that have no coordinates
Flow open_flow(const std::vector<std::string>& inputs, const std::vector<std::string>& variables, const CfOptions& numbers = {});

/// The files that a word of a command means: those of a pattern; a part in brackets is none.
/// @throws Error kind user: there is none
std::vector<std::string> files_of(const std::string& input);

/// `array`'s attribute cell_methods with "DIM: METHOD" added, where it comes of a dataset.
void add_cell_methods(astro::SkyArray& array, const std::vector<std::string>& dims, const std::string& function);

}  // namespace freestone::cli
