#include "freestone/exec/dlpack.h"

#include <dlpack/dlpack.h>

#include <algorithm>
#include <cstdint>

#include "freestone/exec/compute.h"

namespace freestone {
namespace {

constexpr int kBoolCode = 6;  // kDLBool, younger than Debian's header

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
       "complex128; convert the tensor first.",
       int{type.code}, int{type.bits}, int{type.lanes});
}

}  // namespace

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
  View view{static_cast<std::byte*>(given.data) + given.byte_offset, dtype_of(given.dtype), Shape(given.ndim), Dims(given.ndim)};
  for (int k = 0; k < given.ndim; ++k) view.shape[k] = given.shape[k];
  view.strides = contiguous_strides(view.shape, size_of(view.dtype));
  for (int k = 0; k < given.ndim && given.strides != nullptr; ++k) view.strides[k] = given.strides[k] * size_of(view.dtype);
  if (reinterpret_cast<std::uintptr_t>(view.data) % static_cast<std::uintptr_t>(std::min<Index>(size_of(view.dtype), 8)) != 0)
    fail(ErrorKind::kUser, "from_dlpack: the tensor's elements do not lie at multiples of their size. Copy it first.");
  return from_memory(view, owner);
}

}  // namespace freestone
