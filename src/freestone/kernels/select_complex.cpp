#include "freestone/kernels/select_complex.h"

#include <algorithm>
#include <limits>

#include "freestone/kernels/columns.h"
#include "freestone/kernels/sort_keys.h"

namespace freestone::kernels {

Index complex_median_scratch_bytes(Index length, DType dtype) { return BlockLayout(length, size_of(dtype)).bytes(size_of(dtype)); }

void complex_median_along(const View& in, int axis, const View& out, bool skip_nan, Scratch& scratch, const Cancel& cancel) {
  ensure(in.dtype == out.dtype, "median: an output of another dtype");
  if (out.count() == 0) return;
  View results = out;
  results.shape.insert(axis, 1), results.strides.insert(axis, 0);
  with_type(in.dtype, [&]<class Z>(TypeTag<Z>) {
    if constexpr (kIsComplexNumber<Z>) {
      using R = typename Z::value_type;
      using K = SortKey<Z>;
      const Index n = in.shape[axis];
      const BlockLayout layout(n, sizeof(K));
      const Index mark = scratch.used();
      K* const keys = reinterpret_cast<K*>(scratch.take(layout.bytes(sizeof(K))));
      const View* const views[] = {&in, &results};
      const Columns<2> columns(views, axis);
      // The greatest keys are those of NaN (sort_keys.h).
      const auto is_number = [](K key) { return static_cast<SortKey<R>>(key >> (8 * sizeof(R))) < kLastKey<R> - 2; };
      columns.for_each_outer([&](std::byte* const* data, Index) {
        for (Index c = 0; c < columns.columns(); c += layout.columns) {
          cancel.check();
          const Index some = std::min(layout.columns, columns.columns() - c);
          gather_columns<Z>(data[0] + c * columns.column_stride(0), columns.column_stride(0), columns.axis_stride(0), n, some, layout.pitch,
                            keys, [](Z z, Index) { return sort_key(z, false); });
          for (Index i = 0; i < some; ++i) {
            K* const column = keys + i * layout.pitch;
            const Index valid = std::partition(column, column + n, is_number) - column;
            Z result(std::numeric_limits<R>::quiet_NaN(), std::numeric_limits<R>::quiet_NaN());
            if (valid > 0 && (skip_nan || valid == n)) {
              K* const upper = column + valid / 2;
              std::nth_element(column, upper, column + valid);
              result = value_of_key<Z>(*upper, false);
              if (valid % 2 == 0) {
                const Z lower = value_of_key<Z>(*std::max_element(column, upper), false);
                result = {(lower.real() + result.real()) / 2, (lower.imag() + result.imag()) / 2};
              }
            }
            std::memcpy(data[1] + (c + i) * columns.column_stride(1), &result, sizeof result);
          }
        }
      });
      scratch.release_to(mark);
    } else {
      ensure(false, "the complex median of real numbers");
    }
  });
}

}  // namespace freestone::kernels
