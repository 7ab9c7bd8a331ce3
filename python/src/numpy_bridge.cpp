#include "numpy_bridge.h"

#include <algorithm>
#include <vector>

namespace freestone::python {
namespace {

DType dtype_from_dlpack(nb::dlpack::dtype type) {
  using Code = nb::dlpack::dtype_code;
  const auto code = static_cast<Code>(type.code);
  if (type.lanes == 1) {
    switch (code) {
      case Code::Bool: return DType::kBool;
      case Code::Int:
        switch (type.bits) {
          case 8: return DType::kInt8;
          case 16: return DType::kInt16;
          case 32: return DType::kInt32;
          case 64: return DType::kInt64;
        }
        break;
      case Code::UInt:
        switch (type.bits) {
          case 8: return DType::kUint8;
          case 16: return DType::kUint16;
          case 32: return DType::kUint32;
          case 64: return DType::kUint64;
        }
        break;
      case Code::Float:
        if (type.bits == 32) return DType::kFloat32;
        if (type.bits == 64) return DType::kFloat64;
        break;
      case Code::Complex:
        if (type.bits == 64) return DType::kComplex64;
        if (type.bits == 128) return DType::kComplex128;
        break;
      default: break;
    }
  }
  fail(ErrorKind::kUser, "Freestone computes with bool, integers, float32, float64, complex64 and complex128. Convert the array first (astype).");
}

nb::dlpack::dtype dlpack_from_dtype(DType type) {
  return with_type(type, []<class T>(TypeTag<T>) { return nb::dtype<T>(); });
}

}  // namespace

Array array_from_numpy(const NumpyArray& values) {
  const DType dtype = dtype_from_dlpack(values.dtype());
  Shape shape;
  for (std::size_t axis = 0; axis < values.ndim(); ++axis) shape.push_back(static_cast<Index>(values.shape(axis)));
  // The last user may be a thread that does not hold the GIL.
  const std::shared_ptr<const void> owner(new NumpyArray(values), [](const NumpyArray* kept) {
    if (!Py_IsInitialized()) return;
    const nb::gil_scoped_acquire hold;
    delete kept;
  });
  View view = View::contiguous(const_cast<void*>(values.data()), dtype, shape);
  for (int axis = 0; axis < shape.rank(); ++axis) view.strides[axis] = values.stride(static_cast<std::size_t>(axis)) * size_of(dtype);
  return from_memory(view, owner);
}

nb::object numpy_from_tensor(const Tensor& tensor) {
  using Owner = std::shared_ptr<const void>;
  auto* owner = new Owner(tensor.owner());
  const nb::capsule capsule(owner, [](void* kept) noexcept { delete static_cast<Owner*>(kept); });
  const std::vector<std::size_t> shape(tensor.shape().begin(), tensor.shape().end());
  const nb::ndarray<nb::numpy> values(tensor.view().data, shape.size(), shape.data(), capsule, nullptr, dlpack_from_dtype(tensor.dtype()));
  return nb::cast(values, nb::rv_policy::reference);
}

nb::object numpy_memory_of(const Array& array) {
  // Views of views, down to the memory.
  std::vector<const Op*> views;
  Array at = array;
  while (at.node()->op->is_view()) {
    views.push_back(at.node()->op.get());
    at = Array(at.node()->inputs[0]);
  }
  const auto& source = at.node()->op->source();
  const auto memory = source ? source->memory() : std::nullopt;
  if (!memory) return nb::none();
  View view = *memory;
  for (auto op = views.rbegin(); op != views.rend(); ++op)
    view = (*op)->view({view, Box(view.shape)}, Box((*op)->outputs()[0].shape)).view;

  using Owner = std::shared_ptr<const Source>;
  auto* owner = new Owner(source);
  const nb::capsule capsule(owner, [](void* kept) noexcept { delete static_cast<Owner*>(kept); });
  const std::vector<std::size_t> shape(view.shape.begin(), view.shape.end());
  std::vector<std::int64_t> strides;
  for (const Index stride : view.strides) strides.push_back(stride / size_of(view.dtype));
  const nb::ndarray<nb::numpy, nb::ro> values(view.data, shape.size(), shape.data(), capsule, strides.data(), dlpack_from_dtype(view.dtype));
  return nb::cast(values, nb::rv_policy::reference);
}

bool is_made_of_nothing(const Array& array) {
  const auto order = topological_order({array});
  return order.size() <= 8 && std::all_of(order.begin(), order.end(), [](const auto& node) {
           return node->op->is_view() || node->op->name() == "constant" || node->op->name() == "sequence";
         });
}

View numpy_memory(const View& like, nb::list& list) {
  static const nb::object& empty = *new nb::object(nb::module_::import_("numpy").attr("empty"));
  const nb::object made = empty(tuple_of(like.shape), nb::str(std::string(name_of(like.dtype)).c_str()));
  list.append(made);
  return View::contiguous(nb::cast<nb::ndarray<nb::device::cpu>>(made).data(), like.dtype, like.shape);
}

nb::tuple tuple_of(const Dims& dims) {
  nb::list items;
  for (const Index value : dims) items.append(value);
  return nb::tuple(items);
}

}  // namespace freestone::python
