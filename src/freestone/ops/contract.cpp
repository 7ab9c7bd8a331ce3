#include "freestone/ops/contract.h"

#include <algorithm>
#include <complex>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>

#include "freestone/kernels/matmul.h"

namespace freestone {
namespace {

constexpr Index kLeafElements = 8192;          // summed products an element of a partial result
constexpr Index kLongSum = Index{1} << 18;     // longer sums are never held whole,
constexpr Index kLongForFew = Index{1} << 14;  // nor these, when the result is small: tiles of it would be few and their inputs large
constexpr Index kFewResults = Index{1} << 14;

Access access_of_labels(const std::vector<int>& labels, const Shape& array, const Shape& extents, int domain_axes) {
  Access access;
  for (std::size_t k = 0; k < labels.size(); ++k) {
    const bool repeated = array[static_cast<int>(k)] == 1 && extents[labels[k]] != 1;
    access.push_back(repeated ? AxisMap::fixed() : labels[k] < domain_axes ? AxisMap::point(labels[k]) : AxisMap::whole());
  }
  return access;
}

Shape first_axes(const Shape& shape, int count) { return Shape(shape.begin(), shape.begin() + count); }

Access kept_access(int kept) { return identity_access(kept); }

/// Extents and strides of the labels first ... end-1, as one array sees them.
struct Axes {
  Shape shape;
  Dims strides;

  void add(Index extent, Index stride) {
    if (extent == 1) return;
    const int last = shape.rank() - 1;
    if (last >= 0 && strides[last] == stride * extent) {
      shape[last] *= extent, strides[last] = stride;
      return;
    }
    shape.push_back(extent);
    strides.push_back(stride);
  }
  Index count() const { return element_count(shape); }
  bool is_line() const { return shape.rank() <= 1; }
  Index step() const { return shape.rank() == 0 ? 0 : strides[0]; }
};

/// One operand of the products of a tile: its 2-D face, rows or columns against the summed axes.
class Face {
 public:
  /// `part`: extents of all labels in this tile. `outer`: labels [first, end) beside the summed ones, which start at `kept`.
  Face(const View& view, const std::vector<int>& labels, const Shape& part, int first, int end, int kept) : view_(view) {
    Dims stride(part.rank(), 0);
    for (std::size_t k = 0; k < labels.size(); ++k)
      if (view.shape[static_cast<int>(k)] != 1) stride[labels[k]] = view.strides[static_cast<int>(k)];
    for (int label = first; label < end; ++label) outer_.add(part[label], stride[label]);
    for (int label = kept; label < part.rank(); ++label) inner_.add(part[label], stride[label]);
    batch_ = stride;
  }
  /// Bytes of stride of a batch label.
  Index batch_stride(int label) const { return batch_[label]; }

  /// (outer, inner) of the batch element at `offset`; axes that do not run on one line are brought together in `memory`.
  View at(Index offset, Scratch& scratch) const {
    if (outer_.is_line() && inner_.is_line()) {
      View face{view_.data + offset, view_.dtype, {outer_.count(), inner_.count()}, {outer_.step(), inner_.step()}};
      return face;
    }
    View apart{view_.data + offset, view_.dtype, outer_.shape, outer_.strides};
    for (int k = 0; k < inner_.shape.rank(); ++k) apart.shape.push_back(inner_.shape[k]), apart.strides.push_back(inner_.strides[k]);
    const View together = View::contiguous(scratch.take(apart.bytes()), apart.dtype, apart.shape);
    copy(apart, together);
    return View::contiguous(together.data, together.dtype, {outer_.count(), inner_.count()});
  }

 private:
  View view_;
  Axes outer_, inner_;
  Dims batch_;
};

/// Bytes that `Face::at` may take, whatever the strides.
Index face_bytes(const Shape& part, int first, int end, int kept, DType dtype) {
  const auto longs = [&](int from, int to) { return std::count_if(part.begin() + from, part.begin() + to, [](Index n) { return n > 1; }); };
  if (longs(first, end) <= 1 && longs(kept, part.rank()) <= 1) return 0;
  Index count = 1;
  for (int k = 0; k < part.rank(); ++k)
    if ((k >= first && k < end) || k >= kept) count *= part[k];
  return Scratch::rounded(count * size_of(dtype));
}

/// Rows, columns and summed products of each batch element.
struct Extents {
  Index batch = 1, rows = 1, columns = 1, sum = 1;
  Extents(const Contraction& c, const Shape& part) {
    for (int label = 0; label < part.rank(); ++label)
      (label < c.batches ? batch : label < c.batches + c.rows ? rows : label < c.kept ? columns : sum) *= part[label];
  }
};

Index product_scratch_bytes(const Contraction& c, const Shape& part, DType a, DType b) {
  const Extents e(c, part);
  return face_bytes(part, c.batches, c.batches + c.rows, c.kept, a) + face_bytes(part, c.batches + c.rows, c.kept, c.kept, b) +
         kernels::matmul_scratch_bytes(e.rows, e.columns, e.sum, c.dtype);
}

double product_nanoseconds(const Contraction& c, const Shape& part) {
  const Extents e(c, part);
  return static_cast<double>(e.batch) * (100 + kernels::matmul_nanoseconds(e.rows, e.columns, e.sum, c.dtype));
}

/// The products of a tile: `out` is contiguous, (batch..., rows..., columns...).
void multiply(const Contraction& c, const Shape& part, const View& a, const View& b, const View& out, Scratch& scratch,
              const Cancel& cancel) {
  const Extents e(c, part);
  if (out.count() == 0) return;
  const Face left(a, c.a, part, c.batches, c.batches + c.rows, c.kept), right(b, c.b, part, c.batches + c.rows, c.kept, c.kept);
  Dims at(c.batches);
  std::byte* to = out.data;
  while (true) {
    Index a_offset = 0, b_offset = 0;
    for (int k = 0; k < c.batches; ++k) a_offset += at[k] * left.batch_stride(k), b_offset += at[k] * right.batch_stride(k);
    const Index mark = scratch.used();
    const View rows = left.at(a_offset, scratch);
    View columns = right.at(b_offset, scratch);
    std::swap(columns.shape[0], columns.shape[1]);
    std::swap(columns.strides[0], columns.strides[1]);
    kernels::matmul(rows, columns, View::contiguous(to, c.dtype, {e.rows, e.columns}), scratch, cancel);
    scratch.release_to(mark);
    to += e.rows * e.columns * size_of(c.dtype);
    int k = c.batches - 1;
    for (; k >= 0; --k) {
      if (++at[k] < part[k]) break;
      at[k] = 0;
    }
    if (k < 0) return;
  }
}

}  // namespace

Shape Contraction::extents(const Shape& a_shape, const Shape& b_shape) const {
  int labels = kept;
  for (const auto* side : {&a, &b})
    for (const int label : *side) labels = std::max(labels, label + 1);
  Shape out(labels, 1);
  const auto take = [&](const std::vector<int>& side, const Shape& shape) {
    for (std::size_t k = 0; k < side.size(); ++k) {
      Index& extent = out[side[k]];
      const Index n = shape[static_cast<int>(k)];
      if (n != 1 && extent != 1 && n != extent)
        fail(ErrorKind::kUser, "Shapes {} and {} do not go together: an axis of {} against one of {}.", to_string(a_shape),
             to_string(b_shape), extent, n);
      if (extent == 1) extent = n;
    }
  };
  take(a, a_shape);
  take(b, b_shape);
  return out;
}

nlohmann::json Contraction::params() const {
  return {{"a", a}, {"b", b}, {"batches", batches}, {"rows", rows}, {"kept", kept}, {"dtype", name_of(dtype)}};
}

Contraction contraction_of(const nlohmann::json& params, const Shape& a, const Shape& b) {
  Contraction c{params.at("a").get<std::vector<int>>(), params.at("b").get<std::vector<int>>(),
                params.at("batches").get<int>(),        params.at("rows").get<int>(),
                params.at("kept").get<int>(),           parse_dtype(params.at("dtype").get<std::string>())};
  const auto sound = [&](const std::vector<int>& labels, const Shape& shape, int not_from, int not_to) {
    if (static_cast<int>(labels.size()) != shape.rank()) return false;
    std::vector<int> sorted = labels;
    std::sort(sorted.begin(), sorted.end());
    return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end() &&
           std::all_of(labels.begin(), labels.end(), [&](int l) { return l >= 0 && l < kMaxRank && !(l >= not_from && l < not_to); });
  };
  const int columns = c.batches + c.rows;
  if (c.batches < 0 || c.rows < 0 || c.kept < columns || !sound(c.a, a, columns, c.kept) || !sound(c.b, b, c.batches, columns))
    fail(ErrorKind::kData, "The labels of a contraction do not fit its inputs.");
  return c;
}

ContractOp::ContractOp(const Spec& a, const Spec& b, Contraction c)
    : Op(first_axes(c.extents(a.shape, b.shape), c.kept), {{first_axes(c.extents(a.shape, b.shape), c.kept), c.dtype}},
         {access_of_labels(c.a, a.shape, c.extents(a.shape, b.shape), c.kept),
          access_of_labels(c.b, b.shape, c.extents(a.shape, b.shape), c.kept)},
         {kept_access(c.kept)}),
      contraction_(std::move(c)),
      extents_(contraction_.extents(a.shape, b.shape)),
      a_(a),
      b_(b) {}

nlohmann::json ContractOp::params() const { return contraction_.params(); }

Need ContractOp::need(const Box& box) const {
  Shape part = extents_;
  std::copy(box.shape.begin(), box.shape.end(), part.begin());
  return {product_scratch_bytes(contraction_, part, a_.dtype, b_.dtype), product_nanoseconds(contraction_, part)};
}

void ContractOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  Shape part = extents_;
  std::copy(box.shape.begin(), box.shape.end(), part.begin());
  const View a = in[0].part(map_box(input(0), box, a_.shape)).view, b = in[1].part(map_box(input(1), box, b_.shape)).view;
  ensure(out[0].view.is_contiguous(), "contract: the output is not contiguous");
  multiply(contraction_, part, a, b, out[0].view, scratch, cancel);
}

LongContractOp::LongContractOp(const Spec& a, const Spec& b, Contraction c)
    : Op(c.extents(a.shape, b.shape), {{first_axes(c.extents(a.shape, b.shape), c.kept), c.dtype}},
         {access_of_labels(c.a, a.shape, c.extents(a.shape, b.shape), kMaxRank),
          access_of_labels(c.b, b.shape, c.extents(a.shape, b.shape), kMaxRank)},
         {kept_access(c.kept)}),
      contraction_(std::move(c)),
      a_(a),
      b_(b) {
  for (int k = contraction_.kept; k < domain().rank(); ++k) axes_.push_back(k);
  leaf_ = Shape(domain().rank(), 1);
  Index left = kLeafElements;
  for (int k = domain().rank() - 1; k >= contraction_.kept; --k) {
    leaf_[k] = std::clamp<Index>(domain()[k], 1, left);
    left = std::max<Index>(1, left / leaf_[k]);
  }
}

nlohmann::json LongContractOp::params() const { return contraction_.params(); }

Need LongContractOp::need(const Box& box) const {
  // Of one leaf, beside its state.
  const Index sums = element_count(first_axes(box.shape, contraction_.kept)) * size_of(contraction_.dtype);
  return {Scratch::rounded(sums) + product_scratch_bytes(contraction_, box.shape, a_.dtype, b_.dtype),
          product_nanoseconds(contraction_, box.shape)};
}

Index LongContractOp::state_words() const { return is_complex(contraction_.dtype) ? 2 : 1; }

void LongContractOp::init(std::byte* state, Index outputs) const {
  std::memset(state, 0, static_cast<std::size_t>(outputs * state_words() * 8));
}

void LongContractOp::scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index outputs) const {
  const DType dtype = contraction_.dtype;
  const Index sums = Scratch::rounded(outputs * size_of(dtype));
  const Buffer memory(sums + product_scratch_bytes(contraction_, leaf_box.shape, a_.dtype, b_.dtype));
  Scratch scratch(memory.bytes());
  const View a = in[0].part(map_box(input(0), leaf_box, a_.shape)).view, b = in[1].part(map_box(input(1), leaf_box, b_.shape)).view;
  const View out = View::contiguous(scratch.take(sums), dtype, first_axes(leaf_box.shape, contraction_.kept));
  multiply(contraction_, leaf_box.shape, a, b, out, scratch, Cancel());
  if (is_complex(dtype)) {
    auto* parts = reinterpret_cast<double*>(state);
    with_float_type(dtype == DType::kComplex64 ? DType::kFloat32 : DType::kFloat64, [&]<class T>(TypeTag<T>) {
      for (Index i = 0; i < outputs; ++i) {
        parts[i] = static_cast<double>(out.as<T>()[2 * i]);
        parts[outputs + i] = static_cast<double>(out.as<T>()[2 * i + 1]);
      }
    });
    return;
  }
  with_real_type(dtype, [&]<class T>(TypeTag<T>) {
    using Word = std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t>;
    for (Index i = 0; i < outputs; ++i) reinterpret_cast<Word*>(state)[i] = static_cast<Word>(out.as<T>()[i]);
  });
}

void LongContractOp::merge(std::byte* into, const std::byte* from, Index outputs) const {
  const Index words = outputs * state_words();
  if (is_floating(contraction_.dtype) || is_complex(contraction_.dtype)) {
    for (Index i = 0; i < words; ++i) reinterpret_cast<double*>(into)[i] += reinterpret_cast<const double*>(from)[i];
    return;
  }
  auto* sums = reinterpret_cast<std::uint64_t*>(into);
  const auto* more = reinterpret_cast<const std::uint64_t*>(from);
  for (Index i = 0; i < words; ++i) sums[i] = is_bool(contraction_.dtype) ? sums[i] | more[i] : sums[i] + more[i];
}

void LongContractOp::finish(const std::byte* state, Index outputs, std::span<std::byte* const> out) const {
  const DType dtype = contraction_.dtype;
  if (is_complex(dtype)) {
    const auto* parts = reinterpret_cast<const double*>(state);
    with_float_type(dtype == DType::kComplex64 ? DType::kFloat32 : DType::kFloat64, [&]<class T>(TypeTag<T>) {
      auto* to = reinterpret_cast<T*>(out[0]);
      for (Index i = 0; i < outputs; ++i) to[2 * i] = static_cast<T>(parts[i]), to[2 * i + 1] = static_cast<T>(parts[outputs + i]);
    });
    return;
  }
  with_real_type(dtype, [&]<class T>(TypeTag<T>) {
    using Word = std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t>;
    for (Index i = 0; i < outputs; ++i) reinterpret_cast<T*>(out[0])[i] = static_cast<T>(reinterpret_cast<const Word*>(state)[i]);
  });
}

Array contract(const Array& a, const Array& b, const Contraction& contraction) {
  const Extents e(contraction, contraction.extents(a.shape(), b.shape()));
  const bool is_long = e.sum > kLongSum || (e.sum > kLongForFew && e.batch * e.rows * e.columns <= kFewResults);
  if (is_long) return apply_op(std::make_shared<LongContractOp>(a.spec(), b.spec(), contraction), {a, b});
  return apply_op(std::make_shared<ContractOp>(a.spec(), b.spec(), contraction), {a, b});
}

}  // namespace freestone
