#include "freestone/kernels/fold_complex.h"

#include <cmath>
#include <complex>
#include <cstring>
#include <limits>

#include "freestone/base/error.h"
#include "freestone/kernels/complex_order.h"

namespace freestone::kernels {
namespace {

FoldRequest of_parts(FoldRequest request) {
  request.dtype = real_type(request.dtype);
  if (request.name == "std") request.name = "variance";
  return request;
}

/// One part of each element.
View part_of(const View& in, bool imaginary) {
  View part = in;
  part.dtype = real_type(in.dtype);
  if (imaginary) part.data += size_of(part.dtype);
  return part;
}

/// Calls f(re, im, output, position) for every element in C order; `position` is flat over the reduced axes of the whole array.
template <class R, class F>
void for_each_element(const View& in, std::uint32_t reduced, const LeafPosition& leaf, F&& f) {
  if (in.count() == 0) return;
  Dims output_step(in.rank(), 0), position_step(in.rank(), 0), at(in.rank());
  Index outputs = 1, positions = 1, output = 0, position = 0;
  for (int k = in.rank() - 1; k >= 0; --k) {
    if (reduced >> k & 1) {
      position_step[k] = positions, position += leaf.start[k] * positions;
      positions *= leaf.extent[k];
    } else {
      output_step[k] = outputs, outputs *= in.shape[k];
    }
  }
  const std::byte* element = in.data;
  while (true) {
    R z[2];
    std::memcpy(z, element, sizeof z);
    f(z[0], z[1], output, position);
    int k = in.rank() - 1;
    for (; k >= 0; --k) {
      element += in.strides[k], output += output_step[k], position += position_step[k];
      if (++at[k] < in.shape[k]) break;
      element -= in.strides[k] * in.shape[k], output -= output_step[k] * in.shape[k], position -= position_step[k] * in.shape[k];
      at[k] = 0;
    }
    if (k < 0) return;
  }
}

/// Sum and mean: a complex number of the folds of the parts. Variance: their sum, as |z - mean|^2 is that of the parts.
class PartsFold final : public FoldKernel {
 public:
  explicit PartsFold(const FoldRequest& request) : request_(request), parts_(make_fold(of_parts(request))) {}

  int words() const override { return 2 * parts_->words(); }
  std::vector<DType> outputs() const override { return {is_spread() ? real_type(request_.dtype) : request_.dtype}; }
  void init(Word* state, Index n) const override {
    parts_->init(state, n);
    parts_->init(imaginary(state, n), n);
  }
  void scan(const View& in, std::uint32_t reduced, const LeafPosition& at, Word* state, Index n) const override {
    parts_->scan(part_of(in, false), reduced, at, state, n);
    parts_->scan(part_of(in, true), reduced, at, imaginary(state, n), n);
  }
  void merge(Word* into, const Word* from, Index n) const override {
    parts_->merge(into, from, n);
    parts_->merge(imaginary(into, n), imaginary(from, n), n);
  }
  void finish(const Word* state, Index n, std::span<std::byte* const> out) const override {
    with_float_type(real_type(request_.dtype), [&]<class R>(TypeTag<R>) {
      std::vector<R> re(static_cast<std::size_t>(n)), im(re.size());
      std::byte* to = reinterpret_cast<std::byte*>(re.data());
      parts_->finish(state, n, {&to, 1});
      to = reinterpret_cast<std::byte*>(im.data());
      parts_->finish(imaginary(state, n), n, {&to, 1});
      R* result = reinterpret_cast<R*>(out[0]);
      for (std::size_t i = 0; i < re.size(); ++i) {
        if (request_.name == "variance")
          result[i] = re[i] + im[i];
        else if (request_.name == "std")
          result[i] = std::sqrt(re[i] + im[i]);
        else
          result[2 * i] = re[i], result[2 * i + 1] = im[i];
      }
    });
  }

 private:
  bool is_spread() const { return request_.name == "variance" || request_.name == "std"; }
  template <class W>
  W* imaginary(W* state, Index n) const {
    return state + parts_->words() * n;
  }

  FoldRequest request_;
  std::unique_ptr<FoldKernel> parts_;
};

/// Product: in C order, in complex128, without a rescue of infinities. State: real part, imaginary part, count.
class ProductFold final : public FoldKernel {
 public:
  explicit ProductFold(const FoldRequest& request) : request_(request) {}

  int words() const override { return 3; }
  std::vector<DType> outputs() const override { return {request_.dtype}; }
  void init(Word* state, Index n) const override {
    for (Index i = 0; i < n; ++i) state[i].f = 1, state[n + i].f = 0, state[2 * n + i].i = 0;
  }
  void merge(Word* into, const Word* from, Index n) const override {
    for (Index i = 0; i < n; ++i) {
      if (from[2 * n + i].i == 0) continue;
      multiply(into, i, n, from[i].f, from[n + i].f);
      into[2 * n + i].i += from[2 * n + i].i;
    }
  }
  void scan(const View& in, std::uint32_t reduced, const LeafPosition& at, Word* state, Index n) const override {
    with_float_type(real_type(request_.dtype), [&]<class R>(TypeTag<R>) {
      for_each_element<R>(in, reduced, at, [&](R re, R im, Index output, Index) {
        if (request_.skip_nan && (std::isnan(re) || std::isnan(im))) return;
        multiply(state, output, n, re, im);
        ++state[2 * n + output].i;
      });
    });
  }
  void finish(const Word* state, Index n, std::span<std::byte* const> out) const override {
    const bool empty_is_nan = request_.skip_nan && !request_.parameters.empty() && request_.parameters[0] == 1;
    with_float_type(real_type(request_.dtype), [&]<class R>(TypeTag<R>) {
      R* result = reinterpret_cast<R*>(out[0]);
      for (Index i = 0; i < n; ++i) {
        const bool nothing = empty_is_nan && state[2 * n + i].i == 0;
        result[2 * i] = nothing ? std::numeric_limits<R>::quiet_NaN() : static_cast<R>(state[i].f);
        result[2 * i + 1] = nothing ? std::numeric_limits<R>::quiet_NaN() : static_cast<R>(state[n + i].f);
      }
    });
  }

 private:
  static void multiply(Word* state, Index i, Index n, double re, double im) {
    const double a = state[i].f, b = state[n + i].f;
    state[i].f = a * re - b * im;
    state[n + i].f = a * im + b * re;
  }

  FoldRequest request_;
};

/// Extremes by real part, then imaginary part, and where they are: the first in C order. A number with a NaN part is NaN: the first one
/// wins, or where NaN is skipped only numbers count, and the first of all is what is left of nothing but NaN. State: the parts, position
/// (-1: none).
class OrderedFold final : public FoldKernel {
 public:
  explicit OrderedFold(const FoldRequest& request)
      : request_(request), least_(request.name == "min" || request.name == "argmin"), position_(request.name.starts_with("arg")) {}

  int words() const override { return 3; }
  std::vector<DType> outputs() const override { return {position_ ? DType::kInt64 : request_.dtype}; }
  void init(Word* state, Index n) const override {
    for (Index i = 0; i < n; ++i) state[i].f = state[n + i].f = std::numeric_limits<double>::quiet_NaN(), state[2 * n + i].i = -1;
  }
  void merge(Word* into, const Word* from, Index n) const override {
    for (Index i = 0; i < n; ++i) take(into, i, n, from[i].f, from[n + i].f, from[2 * n + i].i);
  }
  void scan(const View& in, std::uint32_t reduced, const LeafPosition& at, Word* state, Index n) const override {
    with_float_type(real_type(request_.dtype), [&]<class R>(TypeTag<R>) {
      for_each_element<R>(in, reduced, at, [&](R re, R im, Index output, Index position) { take(state, output, n, re, im, position); });
    });
  }
  void finish(const Word* state, Index n, std::span<std::byte* const> out) const override {
    if (position_) {
      for (Index i = 0; i < n; ++i) {
        const bool nothing = request_.skip_nan && has_nan(std::complex<double>(state[i].f, state[n + i].f));
        reinterpret_cast<std::int64_t*>(out[0])[i] = nothing ? -1 : state[2 * n + i].i;
      }
      return;
    }
    with_float_type(real_type(request_.dtype), [&]<class R>(TypeTag<R>) {
      for (Index i = 0; i < n; ++i)
        for (Index part = 0; part < 2; ++part) reinterpret_cast<R*>(out[0])[2 * i + part] = static_cast<R>(state[part * n + i].f);
    });
  }

 private:
  void take(Word* state, Index i, Index n, double re, double im, std::int64_t position) const {
    if (position < 0) return;
    const std::complex<double> z(re, im), held(state[i].f, state[n + i].f);
    bool wins;
    if (state[2 * n + i].i < 0)
      wins = true;
    else if (has_nan(z) != has_nan(held))
      wins = has_nan(z) != request_.skip_nan;
    else if (has_nan(z) || z == held)
      wins = position < state[2 * n + i].i;
    else
      wins = least_ ? is_less(z, held) : is_less(held, z);
    if (wins) state[i].f = re, state[n + i].f = im, state[2 * n + i].i = position;
  }

  FoldRequest request_;
  bool least_, position_;
};

}  // namespace

std::unique_ptr<FoldKernel> make_complex_fold(const FoldRequest& request) {
  if (request.name == "prod") return std::make_unique<ProductFold>(request);
  for (const std::string_view name : {"sum", "mean", "variance", "std"})
    if (request.name == name) return std::make_unique<PartsFold>(request);
  for (const std::string_view name : {"min", "max", "argmin", "argmax"})
    if (request.name == name) return std::make_unique<OrderedFold>(request);
  fail(ErrorKind::kUser, "{} of {} is not defined. Take real, imag or absolute of it first.", request.name, name_of(request.dtype));
}

}  // namespace freestone::kernels
