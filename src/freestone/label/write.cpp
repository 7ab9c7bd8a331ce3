#include "freestone/label/write.h"

#include "freestone/formats/format.h"
#include "freestone/label/cf.h"

namespace freestone {

namespace {

/// For requests of one array, and of one among several.
template <class Request>
void take_nominal_chunks(Request& request, const Array& array) {
  if (array.chunks().is_contiguous()) return;
  request.nominal_chunks = array.chunks().chunk();
  request.chunks_are_wanted = array.node()->op->name() == "rechunk";
}

}  // namespace

void take_chunks(formats::WriteRequest& request, const Array& array) { take_nominal_chunks(request, array); }

Output output_for(const Array& array, const std::string& path, const ArrayWriteOptions& options) {
  formats::WriteRequest request;
  request.path = path;
  request.format = options.format;
  request.overwrite = options.overwrite;
  request.dims = options.dims;
  request.attributes = options.attributes;
  request.packing = options.packing;
  take_chunks(request, array);
  return {array, formats::create_sink(array.spec(), request)};
}

void write(const Array& array, const std::string& path, const ArrayWriteOptions& options, const ComputeOptions& compute) {
  write_outputs({output_for(array, path, options)}, compute);
}

std::vector<Output> outputs_for(const Dataset& dataset, const std::string& path, const DatasetWriteOptions& options) {
  formats::DatasetRequest request{.path = path, .format = options.format, .overwrite = options.overwrite, .attributes = dataset.attributes(),
                                  .variables = {}, .unlimited_dims = options.unlimited_dims};
  std::vector<Array> arrays;
  for (const DatasetVariable& variable : dataset.variables()) {
    const DatasetVariable stored = encode_cf(variable);
    formats::VariableRequest one{.name = stored.name, .spec = stored.array.spec(), .dims = stored.dims, .attributes = stored.attributes};
    take_nominal_chunks(one, variable.array);
    request.variables.push_back(std::move(one));
    arrays.push_back(stored.array);
  }
  const auto sinks = formats::create_sinks(request);
  std::vector<Output> out;
  for (std::size_t i = 0; i < sinks.size(); ++i) out.push_back({arrays[i], sinks[i]});
  return out;
}

void write(const Dataset& dataset, const std::string& path, const DatasetWriteOptions& options, const ComputeOptions& compute) {
  write_outputs(outputs_for(dataset, path, options), compute);
}

}  // namespace freestone
