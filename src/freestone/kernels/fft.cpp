#include "freestone/kernels/fft.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>

#include "freestone/kernels/fft_loops.h"

namespace freestone::kernels {
namespace {

constexpr Index kElementsAtOnce = Index{1} << 21;  // between two looks at the cancel flag
constexpr Index kConvertedAtOnce = Index{1} << 15;  // what is converted before it is transformed stays in the cache
constexpr Index kBlockRowBytes = 256;               // of neighbouring lines across rows, read and written together
constexpr Index kLongestBlock = 4096;               // rows

bool is_single(DType t) { return t == DType::kFloat32 || t == DType::kComplex64; }
DType part_of(DType t) { return is_single(t) ? DType::kFloat32 : DType::kFloat64; }
DType complex_of(DType t) { return is_single(t) ? DType::kComplex64 : DType::kComplex128; }
/// What pocketfft reads.
DType input_dtype(FftKind kind, DType out) { return kind == FftKind::kReal || kind == FftKind::kRealFull ? part_of(out) : complex_of(out); }

View first_part(View view, int axis, Index length) {
  view.shape[axis] = length;
  return view;
}

template <class S, class T>
void convert_rows(const View& from, const View& to) {
  const Index n = from.shape.rank() == 0 ? 1 : from.shape.back();
  const Index from_step = from.strides[from.rank() - 1], to_step = to.strides[to.rank() - 1];
  for_each_row(from.shape, {&from, &to}, [&](std::byte** row) {
    for (Index i = 0; i < n; ++i) {
      S value;
      std::memcpy(&value, row[0] + i * from_step, sizeof value);
      T converted;
      if constexpr (std::is_arithmetic_v<S>)
        converted = T(static_cast<decltype(std::abs(T{}))>(value));
      else
        converted = T(static_cast<typename T::value_type>(value.real()), static_cast<typename T::value_type>(value.imag()));
      std::memcpy(row[1] + i * to_step, &converted, sizeof converted);
    }
  });
}

/// Converts `from` into `to`, which is floating or complex, and fills the rest of the axis with zeros.
void convert(const View& from, int axis, const View& to) {
  const Index length = std::min(from.shape[axis], to.shape[axis]);
  const View used = first_part(from, axis, length), place = first_part(to, axis, length);
  with_type(from.dtype, [&]<class S>(TypeTag<S>) {
    with_type(to.dtype, [&]<class T>(TypeTag<T>) {
      if constexpr (std::is_floating_point_v<T> ? std::is_arithmetic_v<S> : !std::is_arithmetic_v<T>)
        convert_rows<S, T>(used, place);
      else
        ensure(false, "fft: complex numbers in a transform of real ones");
    });
  });
  if (length == to.shape[axis]) return;
  View rest = first_part(to, axis, to.shape[axis] - length);
  rest.data += length * to.strides[axis];
  const Index n = rest.shape.back(), step = rest.strides[rest.rank() - 1];
  for_each_row(rest.shape, {&rest}, [&](std::byte** row) {
    for (Index i = 0; i < n; ++i) std::memset(row[0] + i * step, 0, static_cast<std::size_t>(size_of(rest.dtype)));
  });
}

/// The second half of a transform of real numbers: the first one's mirror image, conjugate.
template <class T>
void mirror(const View& out, int axis, Index n) {
  using Complex = std::complex<T>;
  const View lines = first_part(out, axis, 1);
  const Index step = out.strides[axis], inner = lines.shape.back(), inner_step = lines.strides[lines.rank() - 1];
  const auto reflect = [step, n](std::byte* line, Index k) {
    *reinterpret_cast<Complex*>(line + k * step) = std::conj(*reinterpret_cast<Complex*>(line + (n - k) * step));
  };
  if (step == static_cast<Index>(sizeof(Complex))) {  // a line after the other, where across them each element has a page of its own
    for_each_row(lines.shape, {&lines}, [&](std::byte** row) {
      for (Index i = 0; i < inner; ++i)
        for (Index k = n / 2 + 1; k < n; ++k) reflect(row[0] + i * inner_step, k);
    });
    return;
  }
  for (Index k = n / 2 + 1; k < n; ++k)
    for_each_row(lines.shape, {&lines}, [&](std::byte** row) {
      for (Index i = 0; i < inner; ++i) reflect(row[0] + i * inner_step, k);
    });
}

/// Lines that lie side by side across rows: columns of a block.
struct Block {
  Index columns, bytes;  // of scratch memory

  Block(const Shape& shape, int axis, DType dtype, const FftRequest& r) : columns(0), bytes(0) {
    const Index wide = kBlockRowBytes / size_of(dtype);
    if (r.kind != FftKind::kComplex || axis == shape.rank() - 1 || r.n > kLongestBlock || shape.back() < wide) return;
    columns = wide;
    bytes = columns * (r.n * size_of(dtype) + 2 * Buffer::kAlignment);
  }
};

/// Transforms columns in blocks. Returns how many were done.
template <class T>
Index transform_blocks(const View& in, int axis, const FftRequest& r, const View& out, Scratch& scratch) {
  const Block block(out.shape, axis, out.dtype, r);
  constexpr Index kElement = 2 * sizeof(T);
  if (block.columns == 0 || in.strides[in.rank() - 1] != kElement || out.strides[out.rank() - 1] != kElement) return 0;
  return fft_loops<T>().transform_columns(in, axis, r, out, block.columns, scratch);
}

/// Bytes of scratch for lines of real numbers that are transformed side by side along the last axis; 0: they are not.
Index row_bytes(int rank, int axis, const FftRequest& r) {
  const bool is_real = r.kind == FftKind::kReal || r.kind == FftKind::kRealFull;
  return is_real && r.forward && axis == rank - 1 && r.n <= kLongestBlock ? r.n * Buffer::kAlignment : 0;
}

/// Transforms lines of real numbers along the last axis, where they are contiguous. Returns whether it has.
template <class T>
bool transform_rows(const View& in, int axis, const FftRequest& r, const View& out, Scratch& scratch) {
  if (row_bytes(in.rank(), axis, r) == 0 || in.strides[axis] != sizeof(T) || out.strides[axis] != 2 * sizeof(T)) return false;
  fft_loops<T>().transform_rows(in, axis, r, out, scratch);
  return true;
}

/// Whether pocketfft can read `in` as it is.
bool as_it_is(const Shape& in, int axis, DType in_dtype, DType out_dtype, const FftRequest& r) {
  return in_dtype == input_dtype(r.kind, out_dtype) && in[axis] >= fft_input_length(r);
}

/// Elements between two looks at the cancel flag. Long lines are not converted in small pieces: each would make the plan of its length again.
Index elements_at_once(const Shape& in, int axis, DType in_dtype, DType out_dtype, const FftRequest& r) {
  const bool to_scratch = r.kind != FftKind::kComplex && !as_it_is(in, axis, in_dtype, out_dtype, r);
  return to_scratch && 16 * r.n <= kConvertedAtOnce ? kConvertedAtOnce : kElementsAtOnce;
}

}  // namespace

Index fft_input_length(const FftRequest& r) { return r.kind == FftKind::kToReal ? r.n / 2 + 1 : r.n; }
Index fft_output_length(const FftRequest& r) { return r.kind == FftKind::kReal ? r.n / 2 + 1 : r.n; }

void fft_along(const View& in, int axis, const FftRequest& r, const View& out, Scratch& scratch, const Cancel& cancel) {
  if (out.count() == 0) return;
  // Pieces along the longest other axis.
  int cut = axis;
  for (int k = 0; k < in.rank(); ++k)
    if (k != axis && (cut == axis || in.shape[k] > in.shape[cut])) cut = k;
  const Index at_once = elements_at_once(in.shape, axis, in.dtype, out.dtype, r);
  if (cut != axis && in.shape[cut] > 1 && out.count() > at_once) {
    const Index step = std::max<Index>(1, at_once / (out.count() / out.shape[cut]));
    for (Index at = 0; at < in.shape[cut]; at += step) {
      const auto piece = [&](View view) {
        view.data += at * view.strides[cut];
        view.shape[cut] = std::min(step, view.shape[cut] - at);
        return view;
      };
      fft_along(piece(in), axis, r, piece(out), scratch, cancel);
    }
    return;
  }
  cancel.check();
  const Index mark = scratch.used();
  View from = in;
  if (as_it_is(in.shape, axis, in.dtype, out.dtype, r)) {
    from = first_part(in, axis, fft_input_length(r));
  } else {
    if (r.kind == FftKind::kComplex) {
      from = out;
    } else {
      Shape shape = in.shape;
      shape[axis] = fft_input_length(r);
      const DType dtype = input_dtype(r.kind, out.dtype);
      from = View::contiguous(scratch.take(element_count(shape) * size_of(dtype)), dtype, shape);
    }
    convert(in, axis, from);
  }
  with_float_type(part_of(out.dtype), [&]<class T>(TypeTag<T>) {
    if (transform_rows<T>(from, axis, r, out, scratch)) return;
    const Index done = transform_blocks<T>(from, axis, r, out, scratch);
    const auto rest = [&](View view) {
      if (done > 0) {
        view.data += done * view.strides[view.rank() - 1];
        view.shape[view.rank() - 1] -= done;
      }
      return view;
    };
    if (done < out.shape.back() || done == 0) fft_loops<T>().transform(rest(from), axis, r, rest(out));
    if (r.kind == FftKind::kRealFull) mirror<T>(out, axis, r.n);
  });
  scratch.release_to(mark);
}

Index fft_scratch_bytes(const Shape& in, int axis, DType in_dtype, DType out_dtype, const FftRequest& r) {
  Shape shape = in;
  shape[axis] = fft_input_length(r);
  if (r.kind == FftKind::kComplex) return Scratch::rounded(Block(shape, axis, out_dtype, r).bytes);
  const Index rows = row_bytes(in.rank(), axis, r);
  if (as_it_is(in, axis, in_dtype, out_dtype, r)) return rows;
  const Index at_once = elements_at_once(in, axis, in_dtype, out_dtype, r);
  return rows + Scratch::rounded(std::min(element_count(shape), 2 * at_once + shape[axis]) * size_of(input_dtype(r.kind, out_dtype)));
}

double fft_line_nanoseconds(const FftRequest& r, DType out_dtype) {
  const double n = static_cast<double>(r.n), real = r.kind == FftKind::kComplex ? 1 : 0.6;
  return n * (1 + 0.45 * std::log2(n + 1)) * real * (is_single(out_dtype) ? 0.6 : 1);
}

}  // namespace freestone::kernels
