#include "freestone/formats/dataset_request.h"
#include "freestone/formats/hdf5.h"
#include "freestone/formats/hdf5_append.h"

namespace freestone::formats::hdf5 {
namespace {

std::vector<std::shared_ptr<Sink>> sinks(const DatasetRequest& request, bool is_netcdf) {
  if (!request.append.empty()) return append_sinks(request);
  return sinks_of(new_output(file_to_write(request, is_netcdf), request.overwrite));
}

std::shared_ptr<Sink> sink_of_one(const Spec& spec, const WriteRequest& request, bool is_netcdf) {
  DatasetRequest all = dataset_of_one(spec, request);
  // An array without a name goes to the only one that the file has.
  if (!request.append.empty() && request.name.empty()) all.variables.front().name = select_variable(open_file(request.path), "").name;
  return sinks(all, is_netcdf).front();
}

}  // namespace

std::vector<std::shared_ptr<Sink>> create_netcdf_sinks(const DatasetRequest& request) { return sinks(request, true); }

std::vector<std::shared_ptr<Sink>> create_sinks(const DatasetRequest& request) { return sinks(request, false); }

std::shared_ptr<Sink> create_netcdf_sink(const Spec& spec, const WriteRequest& request) { return sink_of_one(spec, request, true); }

std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request) { return sink_of_one(spec, request, false); }

}  // namespace freestone::formats::hdf5
