#include "freestone/kernels/matmul.h"

#include <algorithm>
#include <complex>
#include <cstring>

#include "freestone/kernels/matmul_loops.h"

namespace freestone::kernels {
namespace {

constexpr Index kRowBytes = 2016;                   // of one k: rows of `a` packed at a time stay in the second cache,
constexpr Index kColumnBytes = 8192;                // columns of `b` in the third
constexpr Index kMostRows = 14, kMostColumns = 32;  // of a micro-kernel of any target

Index rounded_up(Index n, Index step) { return (n + step - 1) / step * step; }
Index rows_at_once(DType t) { return kRowBytes / size_of(t); }
Index columns_at_once(DType t) { return kColumnBytes / size_of(t); }

template <class T>
struct RealOf {
  using type = T;
  static constexpr int kParts = 1;
};
template <class R>
struct RealOf<std::complex<R>> {
  using type = R;
  static constexpr int kParts = 2;
};

template <class T, class S>
T converted(S value) {
  if constexpr (std::is_same_v<T, S>)
    return value;
  else if constexpr (RealOf<T>::kParts == 2 && RealOf<S>::kParts == 2)
    return T(static_cast<typename RealOf<T>::type>(value.real()), static_cast<typename RealOf<T>::type>(value.imag()));
  else if constexpr (RealOf<T>::kParts == 2)
    return T(static_cast<typename RealOf<T>::type>(value), 0);
  else
    return static_cast<T>(value);
}

/// A part of an operand: `outer` runs over its rows or columns, `k` over what is summed. Strides in bytes.
struct Operand {
  const std::byte* data;
  Index outer_step, k_step;
  Index outer, k;
};

/// Packs into panels of `width`: panel by panel, for each k the `width` values, complex ones as real parts, then imaginary ones. The last
/// panel is filled up with zeros, whose products are dropped.
template <class T, class S>
void pack(const Operand& in, Index width, typename RealOf<T>::type* to) {
  using R = typename RealOf<T>::type;
  constexpr Index kParts = RealOf<T>::kParts;
  const Index line = width * kParts;
  for (Index first = 0; first < in.outer; first += width, to += line * in.k) {
    const Index n = std::min(width, in.outer - first);
    const std::byte* from = in.data + first * in.outer_step;
    if (n < width) std::memset(to, 0, static_cast<std::size_t>(line * in.k) * sizeof(R));
    const auto put = [&](Index p, Index i, S value) {
      const T v = converted<T>(value);
      if constexpr (kParts == 1) {
        to[p * line + i] = v;
      } else {
        to[p * line + i] = v.real();
        to[p * line + width + i] = v.imag();
      }
    };
    const auto value_at = [&](Index p, Index i) {
      S value;
      std::memcpy(&value, from + p * in.k_step + i * in.outer_step, sizeof value);
      return value;
    };
    if (in.outer_step == static_cast<Index>(sizeof(S))) {
      for (Index p = 0; p < in.k; ++p) {
        if constexpr (std::is_same_v<S, R>)
          std::memcpy(to + p * line, from + p * in.k_step, static_cast<std::size_t>(n) * sizeof(R));
        else
          for (Index i = 0; i < n; ++i) put(p, i, value_at(p, i));
      }
      continue;
    }
    // Short runs of each row in turn, so that both sides stay near.
    constexpr Index kRun = 16;
    for (Index p0 = 0; p0 < in.k; p0 += kRun) {
      const Index end = std::min(in.k, p0 + kRun);
      for (Index i = 0; i < n; ++i)
        for (Index p = p0; p < end; ++p) put(p, i, value_at(p, i));
    }
  }
}

template <class T>
using Packer = void (*)(const Operand&, Index, typename RealOf<T>::type*);

template <class T>
Packer<T> packer_from(DType from) {
  Packer<T> packer = nullptr;
  with_type(from, [&]<class S>(TypeTag<S>) {
    if constexpr (RealOf<S>::kParts <= RealOf<T>::kParts) packer = &pack<T, S>;
  });
  ensure(packer != nullptr, "matmul: complex numbers in a real product");
  return packer;
}

template <class T>
auto loop_of(const MatmulLoops& loops) {
  if constexpr (std::is_same_v<T, float>)
    return loops.real_float;
  else if constexpr (std::is_same_v<T, double>)
    return loops.real_double;
  else if constexpr (std::is_same_v<T, std::complex<float>>)
    return loops.complex_float;
  else
    return loops.complex_double;
}

/// Operands as the packing sees them.
Operand part_of_a(const View& a, Index row, Index rows, Index k, Index ks) {
  return {a.data + row * a.strides[0] + k * a.strides[1], a.strides[0], a.strides[1], rows, ks};
}
Operand part_of_b(const View& b, Index k, Index ks, Index column, Index columns) {
  return {b.data + k * b.strides[0] + column * b.strides[1], b.strides[1], b.strides[0], columns, ks};
}

/// Adds a block that lies apart to its place in `out`: the edges, complex numbers, outputs whose rows do not lie together.
template <class T, class R>
void add_block(const R* block, Index columns, Index row_of_block, std::byte* out, const Dims& strides, Index rows, Index n, bool add) {
  if constexpr (RealOf<T>::kParts == 2) {
    // The usual case, as a loop over real numbers that the compiler can make vectors of.
    if (strides[1] == static_cast<Index>(sizeof(T)) && strides[0] % static_cast<Index>(sizeof(T)) == 0) {
      for (Index i = 0; i < rows; ++i) {
        const R *real = block + i * row_of_block, *imaginary = real + columns;
        R* to = reinterpret_cast<R*>(out + i * strides[0]);
        if (add)
          for (Index j = 0; j < n; ++j) to[2 * j] += real[j], to[2 * j + 1] += imaginary[j];
        else
          for (Index j = 0; j < n; ++j) to[2 * j] = real[j], to[2 * j + 1] = imaginary[j];
      }
      return;
    }
  }
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < n; ++j) {
      T value;
      if constexpr (RealOf<T>::kParts == 2)
        value = T(block[i * row_of_block + j], block[i * row_of_block + columns + j]);
      else
        value = block[i * row_of_block + j];
      std::byte* to = out + i * strides[0] + j * strides[1];
      if (add) {
        T before;
        std::memcpy(&before, to, sizeof before);
        value = before + value;
      }
      std::memcpy(to, &value, sizeof value);
    }
}

template <class T>
void fused_product(const View& a, const View& b, const View& out, Scratch& scratch, const Cancel& cancel) {
  using R = typename RealOf<T>::type;
  constexpr Index kParts = RealOf<T>::kParts;
  const auto loop = loop_of<T>(matmul_loops());
  const Index m = out.shape[0], n = out.shape[1], k = a.shape[1];
  const Index most_k = std::min(k, kMatmulBlock), most_m = std::min(m, rows_at_once(out.dtype)),
              most_n = std::min(n, columns_at_once(out.dtype));
  const Packer<T> pack_a = packer_from<T>(a.dtype), pack_b = packer_from<T>(b.dtype);
  R* const packed_a = scratch.take_array<R>(rounded_up(most_m, loop.rows) * most_k * kParts).data();
  R* const packed_b = scratch.take_array<R>(rounded_up(most_n, loop.columns) * most_k * kParts).data();
  alignas(64) R block[2 * kMostRows * kMostColumns];
  const bool in_rows =
      kParts == 1 && out.strides[1] == static_cast<Index>(sizeof(T)) && out.strides[0] % static_cast<Index>(sizeof(T)) == 0;

  for (Index jc = 0; jc < n; jc += most_n) {
    const Index columns = std::min(most_n, n - jc);
    for (Index pc = 0; pc < k; pc += kMatmulBlock) {
      const Index ks = std::min(kMatmulBlock, k - pc);
      const bool add = pc > 0;
      pack_b(part_of_b(b, pc, ks, jc, columns), loop.columns, packed_b);
      for (Index ic = 0; ic < m; ic += most_m) {
        cancel.check();
        const Index rows = std::min(most_m, m - ic);
        pack_a(part_of_a(a, ic, rows, pc, ks), loop.rows, packed_a);
        for (Index j = 0; j < columns; j += loop.columns)
          for (Index i = 0; i < rows; i += loop.rows) {
            const R *pa = packed_a + i * ks * kParts, *pb = packed_b + j * ks * kParts;
            std::byte* to = out.data + (ic + i) * out.strides[0] + (jc + j) * out.strides[1];
            const Index block_rows = std::min(loop.rows, rows - i), block_columns = std::min(loop.columns, columns - j);
            if constexpr (kParts == 1) {
              if (in_rows && block_rows == loop.rows && block_columns == loop.columns) {
                loop.product(ks, pa, pb, reinterpret_cast<R*>(to), out.strides[0] / static_cast<Index>(sizeof(T)), add);
                continue;
              }
            }
            loop.product(ks, pa, pb, block, kParts * loop.columns, false);
            add_block<T>(block, loop.columns, kParts * loop.columns, to, out.strides, block_rows, block_columns, add);
          }
      }
    }
  }
}

/// Integers and bool: exact whatever the order.
template <class T>
void integer_product(const View& a, const View& b, const View& out, Scratch& scratch, const Cancel& cancel) {
  const Index m = out.shape[0], n = out.shape[1], k = a.shape[1];
  const Index most_k = std::min(k, kMatmulBlock), most_n = std::min(n, columns_at_once(out.dtype));
  T* const packed_a = scratch.take_array<T>(most_k).data();
  T* const packed_b = scratch.take_array<T>(most_n * most_k).data();
  T* const sum = scratch.take_array<T>(most_n).data();
  const Packer<T> pack_a = packer_from<T>(a.dtype), pack_b = packer_from<T>(b.dtype);
  for (Index jc = 0; jc < n; jc += most_n) {
    const Index columns = std::min(most_n, n - jc);
    for (Index pc = 0; pc < k; pc += kMatmulBlock) {
      const Index ks = std::min(kMatmulBlock, k - pc);
      pack_b(part_of_b(b, pc, ks, jc, columns), columns, packed_b);
      for (Index i = 0; i < m; ++i) {
        if (i % 64 == 0) cancel.check();
        pack_a(part_of_a(a, i, 1, pc, ks), 1, packed_a);
        std::byte* row = out.data + i * out.strides[0] + jc * out.strides[1];
        for (Index j = 0; j < columns; ++j) {
          if (pc == 0)
            sum[j] = T{};
          else
            std::memcpy(&sum[j], row + j * out.strides[1], sizeof(T));
        }
        for (Index p = 0; p < ks; ++p) {
          const T* line = packed_b + p * columns;
          if constexpr (std::is_same_v<T, bool>) {
            if (packed_a[p])
              for (Index j = 0; j < columns; ++j) sum[j] = sum[j] || line[j];
          } else {
            using U = std::conditional_t<sizeof(T) < 4, unsigned, std::make_unsigned_t<T>>;  // small types would multiply as int
            const U x = static_cast<U>(packed_a[p]);
            for (Index j = 0; j < columns; ++j) sum[j] = static_cast<T>(static_cast<U>(sum[j]) + x * static_cast<U>(line[j]));
          }
        }
        for (Index j = 0; j < columns; ++j) std::memcpy(row + j * out.strides[1], &sum[j], sizeof(T));
      }
    }
  }
}

}  // namespace

void matmul(const View& a, const View& b, const View& out, Scratch& scratch, const Cancel& cancel) {
  ensure(a.rank() == 2 && b.rank() == 2 && out.rank() == 2 && a.shape[0] == out.shape[0] && b.shape[1] == out.shape[1] &&
             a.shape[1] == b.shape[0],
         "matmul: shapes that do not belong together");
  if (out.count() == 0) return;
  const Index mark = scratch.used();
  with_type(out.dtype, [&]<class T>(TypeTag<T>) {
    if (a.shape[1] == 0) {
      const T zero{};
      for_each_row(out.shape, {&out}, [&](std::byte** row) {
        for (Index j = 0; j < out.shape[1]; ++j) std::memcpy(row[0] + j * out.strides[1], &zero, sizeof zero);
      });
    } else if constexpr (std::is_integral_v<T>) {
      integer_product<T>(a, b, out, scratch, cancel);
    } else {
      fused_product<T>(a, b, out, scratch, cancel);
    }
  });
  scratch.release_to(mark);
}

Index matmul_scratch_bytes(Index m, Index n, Index k, DType dtype) {
  if (m == 0 || n == 0 || k == 0) return 0;
  const Index ks = std::min(k, kMatmulBlock), columns = std::min(n, columns_at_once(dtype)), bytes = size_of(dtype);
  if (!is_floating(dtype) && !is_complex(dtype))
    return Scratch::rounded(ks * bytes) + Scratch::rounded(ks * columns * bytes) + Scratch::rounded(columns * bytes);
  // For the widest blocks of any target: a plan may be run elsewhere.
  const Index rows = std::min(m, rows_at_once(dtype));
  return Scratch::rounded((rows + kMostRows) * ks * bytes) + Scratch::rounded((columns + kMostColumns) * ks * bytes);
}

double matmul_nanoseconds(Index m, Index n, Index k, DType dtype) {
  const double a = static_cast<double>(m) * static_cast<double>(k), b = static_cast<double>(k) * static_cast<double>(n);
  const double c = static_cast<double>(m) * static_cast<double>(n);
  if (!is_floating(dtype) && !is_complex(dtype)) return c * static_cast<double>(k) * 0.06 * static_cast<double>(size_of(dtype)) + a + b;
  const double bytes = static_cast<double>(is_complex(dtype) ? size_of(dtype) / 2 : size_of(dtype));
  const double full =
      static_cast<double>(rounded_up(m, kMostRows)) * static_cast<double>(rounded_up(n, kMostColumns)) * static_cast<double>(k);
  const double packing = 0.5 * b + 0.8 * a * static_cast<double>((n + columns_at_once(dtype) - 1) / columns_at_once(dtype));
  return full * bytes * 0.0055 * (is_complex(dtype) ? 4 : 1) + packing + c * static_cast<double>(k) / kMatmulBlock * 0.2;
}

}  // namespace freestone::kernels
