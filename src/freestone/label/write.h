/// write: from Arrays to files, by suffix.
#pragma once

#include <string>
#include <vector>

#include "freestone/exec/compute.h"
#include "freestone/formats/format.h"
#include "freestone/label/dataset.h"

namespace freestone {

struct ArrayWriteOptions {
  bool overwrite = false;
  std::string format;  ///< "" = told by the suffix
  std::vector<std::string> dims;                ///< names of the axes, where the format has them
  std::vector<formats::Attribute> attributes;
  formats::Packing packing;                     ///< chunks and compression, where the format has them
  std::vector<std::string> unlimited_dims = {};  ///< of `dims`: see formats::WriteRequest
  std::string append = {};                      ///< see formats::WriteRequest
  std::optional<formats::AttributeValue> nodata = {};  ///< what NaN becomes in the file, which says so: see with_nodata
};

/// The nominal chunks of `array`, where it has some, become those of a chunked output that names none; those of a `rechunk` are kept as they
/// are, however small. Its compression is taken along by stored_deflate.h.
void take_storage(formats::WriteRequest& request, const Array& array);

/// The pair that `write_outputs` takes; several of them are written in one pass over their data.
/// @throws Error kind user: no format of that suffix, or it cannot hold this shape or dtype
Output output_for(const Array& array, const std::string& path, const ArrayWriteOptions& options = {});

/// Computes `array` and writes it to `path`: all of it, or nothing.
/// @throws Error kind user: the file exists and `overwrite` is false; io: it cannot be written; memory: as plan_outputs
void write(const Array& array, const std::string& path, const ArrayWriteOptions& options = {}, const ComputeOptions& compute = {});

struct DatasetWriteOptions {
  bool overwrite = false;
  std::string format;                       ///< "" = told by the suffix
  std::optional<std::vector<std::string>> unlimited_dims = {};  ///< that may grow later, where the format has such; left out: those of the file that was read
  std::vector<formats::Group> groups = {};  ///< see formats::DatasetRequest
  std::string append = {};                  ///< the unlimited dimension along which all of it is put behind what the file has; "" = a new file
  formats::Packing packing = {};            ///< of the variables that are no coordinates; chunks, of those with as many axes
  std::optional<formats::AttributeValue> nodata = {};  ///< of these, too: what is missing becomes it, and the file says so: see with_nodata
  std::vector<formats::TextRequest> texts = {};  ///< beside those of the dataset: they go with it where no axis of theirs has another length there, and the format has texts
};

/// Of `dims` those that may grow in a new file of `format` that holds the dataset and `texts` (formats::unlimited_dims_in).
std::vector<std::string> unlimited_dims_in(const std::string& format, const std::vector<std::string>& dims, const Dataset& dataset,
                                           const std::vector<formats::TextRequest>& texts = {});

/// Tells, once, whose texts a file does not get, and why; nothing where there are none.
void tell_texts_left_out(const std::string& path, const std::vector<formats::TextRequest>& texts, const std::string& why);

/// The variables of a dataset, stored in one file as they were before they were decoded (encode_cf), and as they are where they are new. All
/// of them are written in one pass, or none.
/// @throws Error kind user: no format of that suffix, or one whose files hold a single array; dims that disagree; as encode_cf
std::vector<Output> outputs_for(const Dataset& dataset, const std::string& path, const DatasetWriteOptions& options = {});
void write(const Dataset& dataset, const std::string& path, const DatasetWriteOptions& options = {}, const ComputeOptions& compute = {});

}  // namespace freestone
