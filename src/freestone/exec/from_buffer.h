/// Your own memory as an Array.
#pragma once

#include <memory>
#include <vector>

#include "freestone/exec/compute.h"

namespace freestone {

/// Elements in C order at `data`, which are not copied: they stay as they are, and alive, as long as the Array or anything made of it is used; `owner`, where
/// one is given, is held as long.
template <class T>
Array from_buffer(const T* data, const Shape& shape, std::shared_ptr<const void> owner = {}) {
  return from_memory(View::contiguous(const_cast<T*>(data), dtype_of<T>(), shape), std::move(owner));
}

/// Elements that the Array takes over. @throws Error kind user: not as many as `shape` has
template <class T>
Array from_buffer(std::vector<T> values, const Shape& shape) {
  if (static_cast<Index>(values.size()) != element_count(shape)) fail(ErrorKind::kUser, "A buffer of {} elements is no array of shape {}.", values.size(), to_string(shape));
  const auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  return from_buffer(owner->data(), shape, owner);
}

}  // namespace freestone
