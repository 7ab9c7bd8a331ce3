// User functions: Python callables, and compiled ones by their address.

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "arguments.h"
#include "freestone/ops/user_function.h"
#include "module.h"
#include "numpy_bridge.h"
#include "python_failure.h"
#include "shared_object.h"

namespace freestone::python {
namespace {

/// `call(inputs, start, shape, before, shapes of outputs)` gives a list of arrays, one an output, of its shape and dtype in C order. The
/// inputs are its own copies: whatever the function does with them later is its business.
UserCallFunction python_function(const nb::object& callable, const std::string& name) {
  return [kept = shared(callable), name](const UserCall& call) {
    nb::gil_scoped_acquire hold;
    try {
      nb::list inputs, shapes;
      for (const View& view : call.in) {
        const View own = numpy_memory(view, inputs);
        nb::gil_scoped_release let_go;
        copy(view, own);
      }
      for (const View& view : call.out) shapes.append(tuple_of(view.shape));
      const nb::object made = nb::handle(kept.get())(inputs, tuple_of(call.block.start), tuple_of(call.block.shape), tuple_of(call.before), shapes);
      std::vector<NumpyArray> results;
      for (const nb::handle result : made) results.push_back(nb::cast<NumpyArray>(result));
      ensure(results.size() == call.out.size(), "a user function's results are not as many as its outputs");
      nb::gil_scoped_release let_go;
      for (std::size_t o = 0; o < results.size(); ++o) {
        const View& out = call.out[o];
        ensure(results[o].nbytes() == static_cast<std::size_t>(out.bytes()), "a user function's result has another size than its output");
        copy(View::contiguous(const_cast<void*>(results[o].data()), out.dtype, out.shape), out);
      }
    } catch (nb::python_error& raised) {
      throw PythonFailure(fmt::format("The function {} failed: {}", name, raised.what()), raised);
    }
  };
}

template <class... T>
using Whatever = Index;

template <std::size_t... I>
void call_words(void* function, const Index* words, std::index_sequence<I...>) {
  reinterpret_cast<void (*)(Whatever<std::integral_constant<std::size_t, I>>...)>(function)(words[I]...);
}

/// Calls `function` with up to ten words: pointers and 64-bit lengths are passed alike on this platform.
void call_with(void* function, const std::vector<Index>& words) {
  switch (words.size()) {
    case 2: return call_words(function, words.data(), std::make_index_sequence<2>());
    case 3: return call_words(function, words.data(), std::make_index_sequence<3>());
    case 4: return call_words(function, words.data(), std::make_index_sequence<4>());
    case 5: return call_words(function, words.data(), std::make_index_sequence<5>());
    case 6: return call_words(function, words.data(), std::make_index_sequence<6>());
    case 7: return call_words(function, words.data(), std::make_index_sequence<7>());
    case 8: return call_words(function, words.data(), std::make_index_sequence<8>());
    case 9: return call_words(function, words.data(), std::make_index_sequence<9>());
    case 10: return call_words(function, words.data(), std::make_index_sequence<10>());
    default: fail(ErrorKind::kUser, "A compiled function takes 2 to 10 arguments, not {}.", words.size());
  }
}

/// T f(T...) on every element; views in C order, all of T.
template <class T>
void call_scalar(void* function, const UserCall& call) {
  T* out = call.out[0].as<T>();
  const Index n = call.out[0].count();
  const auto in = [&](std::size_t i) { return call.in[i].as<T>(); };
  switch (call.in.size()) {
    case 1: {
      const auto f = reinterpret_cast<T (*)(T)>(function);
      for (Index i = 0; i < n; ++i) out[i] = f(in(0)[i]);
      return;
    }
    case 2: {
      const auto f = reinterpret_cast<T (*)(T, T)>(function);
      for (Index i = 0; i < n; ++i) out[i] = f(in(0)[i], in(1)[i]);
      return;
    }
    case 3: {
      const auto f = reinterpret_cast<T (*)(T, T, T)>(function);
      for (Index i = 0; i < n; ++i) out[i] = f(in(0)[i], in(1)[i], in(2)[i]);
      return;
    }
    default: fail(ErrorKind::kUser, "A compiled function of single elements takes one, two or three, not {}.", call.in.size());
  }
}

/// How a compiled function is called; views lie in C order, the GIL is not held.
///   arrays  f(const void* const* in, void* const* out, const int64_t* numbers): lengths of the axes of all inputs, then of all outputs,
///           then how much halo stands before the block along each loop axis
///   size    f(in..., out..., n): all blocks have n elements
///   shape   f(in..., out..., n0, n1...): lengths of the first input's block
///   scalar  T f(T...) on every element
UserCallFunction compiled_function(std::uintptr_t address, const std::string& convention, const nb::object& owner) {
  auto* const function = reinterpret_cast<void*>(address);
  if (function == nullptr) fail(ErrorKind::kUser, "A compiled function without an address.");
  return [function, convention, kept = shared(owner)](const UserCall& call) {
    if (convention == "scalar") {
      switch (call.out[0].dtype) {
        case DType::kFloat32: return call_scalar<float>(function, call);
        case DType::kFloat64: return call_scalar<double>(function, call);
        case DType::kInt32: return call_scalar<std::int32_t>(function, call);
        case DType::kInt64: return call_scalar<std::int64_t>(function, call);
        default: fail(ErrorKind::kUser, "A compiled function of single elements computes float32, float64, int32 or int64.");
      }
    }
    std::vector<Index> words, numbers;
    for (const View& view : call.in) words.push_back(reinterpret_cast<Index>(view.data));
    for (const View& view : call.out) words.push_back(reinterpret_cast<Index>(view.data));
    if (convention == "arrays") {
      for (const auto& views : {call.in, call.out})
        for (const View& view : views) numbers.insert(numbers.end(), view.shape.begin(), view.shape.end());
      numbers.insert(numbers.end(), call.before.begin(), call.before.end());
      using Arrays = void (*)(const Index*, const Index*, const Index*);
      return reinterpret_cast<Arrays>(function)(words.data(), words.data() + call.in.size(), numbers.data());
    }
    if (convention == "size")
      words.push_back(call.in[0].count());
    else
      words.insert(words.end(), call.in[0].shape.begin(), call.in[0].shape.end());
    call_with(function, words);
  };
}

kernels::Boundary boundary_of(const std::string& name) {
  if (name == "reflect") return kernels::Boundary::kReflect;
  if (name == "mirror") return kernels::Boundary::kMirror;
  if (name == "nearest") return kernels::Boundary::kNearest;
  if (name == "periodic" || name == "wrap") return kernels::Boundary::kWrap;
  return kernels::Boundary::kConstant;
}

using OutputTuple = std::tuple<std::string, std::vector<int>, std::vector<Index>>;

}  // namespace

void bind_user(nb::module_& module) {
  nb::class_<UserCallFunction>(module, "UserCall");
  module.def("python_function", &python_function);
  module.def("compiled_function", &compiled_function);
  module.def("user_function",
             [](const UserCallFunction& call, const std::vector<Array>& arrays, const nb::dict& facts,
                const std::vector<OutputTuple>& outputs, const nb::object& origin) {
               const auto lengths = [&](const char* key) { return Dims(nb::cast<std::vector<Index>>(facts[key])); };
               UserFunction f;
               f.call = call;
               f.name = nb::cast<std::string>(facts["name"]);
               f.identity = nb::cast<std::string>(facts["identity"]);
               f.extents = lengths("extents");
               f.steps = lengths("steps");
               f.block = lengths("block");
               f.before = lengths("before");
               f.after = lengths("after");
               f.free = nb::cast<bool>(facts["free"]);
               f.contiguous = nb::cast<bool>(facts["contiguous"]);
               for (const auto& [boundary, constant] : nb::cast<std::vector<std::pair<std::string, double>>>(facts["edges"])) {
                 f.open.push_back(boundary == "none");
                 f.edges.push_back({boundary_of(boundary), constant});
               }
               f.memory_factor = nb::cast<double>(facts["memory_factor"]);
               f.origin = shared(origin);
               f.inputs = nb::cast<std::vector<std::vector<int>>>(facts["inputs"]);
               for (const auto& [dtype, axes, shape] : outputs) f.outputs.push_back({parse_dtype(dtype), axes, Shape(shape)});
               return user_function(std::move(f), arrays);
             });
}

}  // namespace freestone::python
