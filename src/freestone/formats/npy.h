/// npy: NumPy's file of one array. Versions 1 to 3 are read, 1 is written (numpy.lib.format).
#pragma once

#include <memory>

#include "freestone/formats/format.h"
#include "freestone/storage/element_transform.h"
#include "freestone/storage/file.h"

namespace freestone::formats::npy {

struct Header {
  DType dtype = DType::kFloat64;
  ByteOrder order = kNativeOrder;
  bool halves = false;  ///< stored as float16; `dtype` is float32
  bool fortran_order = false;
  Shape shape;  ///< as NumPy has it
  Index data_offset = 0;

  ElementTransform transform() const {
    return {.stored = halves ? DType::kUint16 : dtype, .order = order, .dtype = dtype, .halves = halves};
  }
};

/// @throws Error kind data, naming file and field: not npy, a header that is none, an array longer than the file; kind user:
///   a dtype or a rank that Freestone does not have
Header read_header(const ByteReader& reader);

/// One variable without a name. An array in Fortran order is given with its axes reversed, which is what lies in the file in C
/// order, and with the attribute fortran_order = true.
Contents open(std::shared_ptr<const File> file);

std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request);

}  // namespace freestone::formats::npy
