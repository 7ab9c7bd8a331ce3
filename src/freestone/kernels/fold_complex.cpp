#include "freestone/kernels/fold_complex.h"

#include <cmath>
#include <complex>
#include <cstring>
#include <limits>

#include "freestone/base/error.h"

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
  void scan(const View& in, std::uint32_t reduced, const LeafPosition&, Word* state, Index n) const override {
    if (in.count() == 0) return;
    Dims kept_step(in.rank(), 0);
    Index step = 1;
    for (int k = in.rank() - 1; k >= 0; --k)
      if (!(reduced >> k & 1)) kept_step[k] = step, step *= in.shape[k];
    with_float_type(real_type(request_.dtype), [&]<class R>(TypeTag<R>) {
      Dims at(in.rank());
      const std::byte* element = in.data;
      Index output = 0;
      while (true) {
        R z[2];
        std::memcpy(z, element, sizeof z);
        if (!request_.skip_nan || (!std::isnan(z[0]) && !std::isnan(z[1]))) {
          multiply(state, output, n, z[0], z[1]);
          ++state[2 * n + output].i;
        }
        int k = in.rank() - 1;
        for (; k >= 0; --k) {
          element += in.strides[k], output += kept_step[k];
          if (++at[k] < in.shape[k]) break;
          element -= in.strides[k] * in.shape[k], output -= kept_step[k] * in.shape[k];
          at[k] = 0;
        }
        if (k < 0) return;
      }
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

}  // namespace

std::unique_ptr<FoldKernel> make_complex_fold(const FoldRequest& request) {
  if (request.name == "prod") return std::make_unique<ProductFold>(request);
  for (const std::string_view name : {"sum", "mean", "variance", "std"})
    if (request.name == name) return std::make_unique<PartsFold>(request);
  fail(ErrorKind::kUser, "{} of {} is not defined. Take real, imag or absolute of it first.", request.name, name_of(request.dtype));
}

}  // namespace freestone::kernels
