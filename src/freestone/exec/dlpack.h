/// Arrays of other libraries by DLPack (dmlc.github.io/dlpack), the protocol of the array API standard.
#pragma once

#include "freestone/array/array.h"

struct DLManagedTensor;

namespace freestone {

/// An array over the memory of `tensor`, which may have any strides and is not copied (but float16, which becomes float32). It is taken over: its
/// deleter is called when the last array that uses it has gone, and also when this throws. Until then it must be left as it is.
/// @throws Error kind user: it lies on a device other than the processor, or its elements are of another kind than Freestone's
Array from_dlpack(DLManagedTensor* tensor);

/// Half-precision numbers (IEEE 754 binary16) as float32, in memory of its own.
/// @param halves  of a dtype of 2 bytes, any strides, not aligned
Array from_float16(const View& halves);

}  // namespace freestone
