#include "freestone/exec/dlpack.h"

#include <dlpack/dlpack.h>

#include <algorithm>
#include <cstdint>

#include "freestone/core/buffer.h"
#include "freestone/exec/compute.h"
#include "freestone/storage/element_transform.h"

namespace freestone {
namespace {

constexpr int kBoolCode = 6;  // kDLBool, younger than Debian's header

bool is_half(const DLDataType& type) { return type.code == kDLFloat && type.bits == 16 && type.lanes == 1; }

DType dtype_of(const DLDataType& type) {
  constexpr DType kAll[] = {DType::kBool,   DType::kInt8,   DType::kInt16,  DType::kInt32,   DType::kInt64,     DType::kUint8,     DType::kUint16,
                            DType::kUint32, DType::kUint64, DType::kFloat32, DType::kFloat64, DType::kComplex64, DType::kComplex128};
  for (const DType dtype : kAll) {
    const int code = is_bool(dtype)      ? kBoolCode
                     : is_complex(dtype) ? int{kDLComplex}
                     : is_integer(dtype) ? (is_signed_integer(dtype) ? int{kDLInt} : int{kDLUInt})
                                         : int{kDLFloat};
    if (type.code == code && type.bits == 8 * size_of(dtype) && type.lanes == 1) return dtype;
  }
  fail(ErrorKind::kUser,
       "from_dlpack: elements of code {}, {} bits, {} lanes. Freestone computes with bool, integers, float32, float64, complex64 and "
       "complex128, and converts float16; convert the tensor first.",
       int{type.code}, int{type.bits}, int{type.lanes});
}

}  // namespace

Array from_float16(const View& halves) {
  ensure(size_of(halves.dtype) == 2, "from_float16: elements of another size");
  const auto memory = std::make_shared<Buffer>(std::max<Index>(1, halves.count() * 4));
  const View whole = View::contiguous(memory->data(), DType::kFloat32, halves.shape);
  const ElementTransform transform{.stored = DType::kUint16, .dtype = DType::kFloat32, .halves = true};
  const Index n = halves.rank() == 0 ? 1 : halves.shape.back(), step = halves.rank() == 0 ? 2 : halves.strides.back();
  if (halves.count() > 0)
    for_each_row(halves.shape, {&halves, &whole}, [&](std::byte** row) {
      if (step == 2) return transform.decode(row[0], row[1], n);
      for (Index i = 0; i < n; ++i) transform.decode(row[0] + i * step, row[1] + i * 4, 1);
    });
  return from_memory(whole, memory);
}

Array from_dlpack(DLManagedTensor* tensor) {
  ensure(tensor != nullptr, "from_dlpack: no tensor");
  const std::shared_ptr<const void> owner(tensor, [](DLManagedTensor* kept) {
    if (kept->deleter != nullptr) kept->deleter(kept);
  });
  const DLTensor& given = tensor->dl_tensor;
  if (given.device.device_type != kDLCPU && given.device.device_type != kDLCUDAHost)
    fail(ErrorKind::kUser, "from_dlpack: the tensor lies on a device (type {}), not in this computer's memory. Copy it there first.",
         static_cast<int>(given.device.device_type));
  if (given.ndim < 0 || given.ndim > kMaxRank)
    fail(ErrorKind::kUser, "from_dlpack: {} axes; Freestone has at most {}.", given.ndim, kMaxRank);
  const DType dtype = is_half(given.dtype) ? DType::kUint16 : dtype_of(given.dtype);
  View view{static_cast<std::byte*>(given.data) + given.byte_offset, dtype, Shape(given.ndim), Dims(given.ndim)};
  for (int k = 0; k < given.ndim; ++k) view.shape[k] = given.shape[k];
  view.strides = contiguous_strides(view.shape, size_of(view.dtype));
  for (int k = 0; k < given.ndim && given.strides != nullptr; ++k) view.strides[k] = given.strides[k] * size_of(view.dtype);
  if (reinterpret_cast<std::uintptr_t>(view.data) % static_cast<std::uintptr_t>(std::min<Index>(size_of(view.dtype), 8)) != 0)
    fail(ErrorKind::kUser, "from_dlpack: the tensor's elements do not lie at multiples of their size. Copy it first.");
  return is_half(given.dtype) ? from_float16(view) : from_memory(view, owner);
}

}  // namespace freestone
