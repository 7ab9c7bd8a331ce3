#include "freestone/label/write.h"

#include "freestone/formats/format.h"

namespace freestone {

Output output_for(const Array& array, const std::string& path, const ArrayWriteOptions& options) {
  formats::WriteRequest request;
  request.path = path;
  request.format = options.format;
  request.overwrite = options.overwrite;
  request.dims = options.dims;
  request.attributes = options.attributes;
  request.packing = options.packing;
  if (!array.chunks().is_contiguous()) request.nominal_chunks = array.chunks().chunk();
  return {array, formats::create_sink(array.spec(), request)};
}

void write(const Array& array, const std::string& path, const ArrayWriteOptions& options, const ComputeOptions& compute) {
  write_outputs({output_for(array, path, options)}, compute);
}

}  // namespace freestone
