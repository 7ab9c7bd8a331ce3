#include "freestone/label/write.h"

#include "freestone/formats/format.h"

namespace freestone {

void take_chunks(formats::WriteRequest& request, const Array& array) {
  if (array.chunks().is_contiguous()) return;
  request.nominal_chunks = array.chunks().chunk();
  request.chunks_are_wanted = array.node()->op->name() == "rechunk";
}

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

}  // namespace freestone
