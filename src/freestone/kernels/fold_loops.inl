// The vector loops of fold_loops.h; compiled once for each target by for_each_target.h.

inline constexpr int kWidth = FREESTONE_VECTOR_BYTES / 8;  // 8-byte lanes of a native vector

template <class T>
struct VectorOf {
  typedef T type __attribute__((vector_size(kWidth * sizeof(T))));
};
template <class T>
using Vector = typename VectorOf<T>::type;
using Doubles = VectorOf<double>::type;
using Ints = VectorOf<std::int64_t>::type;
using Uints = VectorOf<std::uint64_t>::type;

template <class T>
struct LaneOf {
  using type = T;
};
template <>
struct LaneOf<float> {
  using type = double;
};

template <class To, class From>
FREESTONE_INLINE To bits(From from) {
  To to;
  static_assert(sizeof(To) == sizeof(From));
  __builtin_memcpy(&to, &from, sizeof(To));
  return to;
}
template <class T>
FREESTONE_INLINE auto load_lanes(const T* from) {
  using Lane = typename LaneOf<T>::type;
#if FREESTONE_VECTOR_BYTES == 64  // written out, as the compiler converts in halves
  if constexpr (std::is_same_v<T, float>) return bits<Doubles>(_mm512_cvtps_pd(_mm256_loadu_ps(from)));
#elif FREESTONE_VECTOR_BYTES == 32
  if constexpr (std::is_same_v<T, float>) return bits<Doubles>(_mm256_cvtps_pd(_mm_loadu_ps(from)));
#endif
  typename VectorOf<T>::type raw;
  __builtin_memcpy(&raw, from, sizeof raw);
  return __builtin_convertvector(raw, typename VectorOf<Lane>::type);
}
FREESTONE_INLINE Doubles load_plane(const double* from) {
  Doubles v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
FREESTONE_INLINE void store_plane(double* to, Doubles v) { __builtin_memcpy(to, &v, sizeof v); }
FREESTONE_INLINE Doubles spread(double value) { return value - Doubles{}; }
FREESTONE_INLINE Doubles lane_numbers() {
  Doubles v{};
  for (int l = 0; l < kWidth; ++l) v[l] = l;
  return v;
}

// Truth of a lane: valid is not NaN. Integers are always valid.
template <class V>
FREESTONE_INLINE Ints valid_lanes(V v) {
  return bits<Ints>(v == v);
}
template <class V>
FREESTONE_INLINE V keep(V v, Ints mask) {
  return bits<V>(bits<Ints>(v) & mask);
}
template <class V>
FREESTONE_INLINE V choose(Ints mask, V yes, V no) {
  return bits<V>((bits<Ints>(yes) & mask) | (bits<Ints>(no) & ~mask));
}
FREESTONE_INLINE Doubles add_count(Doubles plane, Ints mask) { return bits<Doubles>(bits<Ints>(plane) - mask); }

// A rule: `step(planes, v, w)` takes one vector of elements; w is the element's index or weight, where `kUsesIndex`.
template <class V, bool kSkip>
struct SumStep {
  static constexpr int kPlanes = 2;
  static constexpr bool kUsesIndex = false;
  FREESTONE_INLINE static void step(Doubles* p, V v, Doubles) {
    const Ints valid = valid_lanes(v);
    p[0] = bits<Doubles>(bits<V>(p[0]) + (kSkip ? keep(v, valid) : v));
    p[1] = add_count(p[1], valid);
  }
};
template <bool kSkip>
struct SquaresStep {
  static constexpr int kPlanes = 2;
  static constexpr bool kUsesIndex = false;
  FREESTONE_INLINE static void step(Doubles* p, Doubles v, Doubles) {
    const Ints valid = valid_lanes(v);
    const Doubles x = kSkip ? keep(v, valid) : v;
    p[0] += x * x;
    p[1] = add_count(p[1], valid);
  }
};
template <class V, bool kSkip>
struct ProductStep {
  static constexpr int kPlanes = 2;
  static constexpr bool kUsesIndex = false;
  FREESTONE_INLINE static void step(Doubles* p, V v, Doubles) {
    const Ints valid = valid_lanes(v);
    const V one = V{} + 1;
    p[0] = bits<Doubles>(bits<V>(p[0]) * (kSkip ? choose(valid, v, one) : v));
    p[1] = add_count(p[1], valid);
  }
};
template <class V, bool kSkip, bool kLess>
struct ExtremeStep {
  static constexpr int kPlanes = 2;
  static constexpr bool kUsesIndex = false;
  FREESTONE_INLINE static void step(Doubles* p, V v, Doubles) {
    const V old = bits<V>(p[0]);
    const Ints valid = valid_lanes(v);
    Ints take = kLess ? bits<Ints>(v < old) : bits<Ints>(v > old);
    if (!kSkip) take |= ~valid;
    p[0] = bits<Doubles>(choose(take, v, old));
    p[1] = add_count(p[1], valid);
  }
};
template <class V, bool kSkip, bool kLess>
struct ArgStep {
  static constexpr int kPlanes = 2;
  static constexpr bool kUsesIndex = true;
  FREESTONE_INLINE static void step(Doubles* p, V v, Doubles index) {
    const V old = bits<V>(p[0]);
    const Ints first = bits<Ints>(p[1] < 0.0);
    Ints take = (kLess ? bits<Ints>(v < old) : bits<Ints>(v > old)) |
                (kSkip ? first & valid_lanes(v) : first | (~valid_lanes(v) & valid_lanes(old)));
    p[0] = bits<Doubles>(choose(take, v, old));
    p[1] = choose(take, index, p[1]);
  }
};
template <bool kSkip>
struct CountStep {
  static constexpr int kPlanes = 1;
  static constexpr bool kUsesIndex = false;
  FREESTONE_INLINE static void step(Doubles* p, Doubles v, Doubles) { p[0] = add_count(p[0], kSkip ? valid_lanes(v) : ~Ints{}); }
};
template <bool kSkip, bool kAny>
struct TruthStep {
  static constexpr int kPlanes = 1;
  static constexpr bool kUsesIndex = false;
  FREESTONE_INLINE static void step(Doubles* p, Doubles v, Doubles) {
    const Ints holds = bits<Ints>(v != 0.0);  // NaN differs from 0, so it is true
    if (kAny)
      p[0] = bits<Doubles>(bits<Ints>(p[0]) | (kSkip ? holds & valid_lanes(v) : holds));
    else
      p[0] = bits<Doubles>(bits<Ints>(p[0]) & holds);
  }
};
template <bool kSkip>
struct CountSumStep {
  static constexpr int kPlanes = 2;
  static constexpr bool kUsesIndex = false;
  FREESTONE_INLINE static void step(Doubles* p, Doubles v, Doubles) {
    const Ints valid = valid_lanes(v);
    p[0] = add_count(p[0], kSkip ? valid : ~Ints{});
    p[1] += kSkip ? keep(v, valid) : v;
  }
};
template <bool kSkip>
struct DeviationsStep {
  static constexpr int kPlanes = 3;
  static constexpr bool kUsesIndex = false;
  FREESTONE_INLINE static void step(Doubles* p, Doubles v, Doubles) {
    Doubles d = v - p[1];
    if (kSkip) d = keep(d, valid_lanes(v));
    p[2] += d * d;
  }
};
template <bool kSkip>
struct StatisticsStep {
  static constexpr int kPlanes = 5;
  static constexpr bool kUsesIndex = false;
  FREESTONE_INLINE static void step(Doubles* p, Doubles v, Doubles) {
    const Ints valid = valid_lanes(v);
    const Doubles x = kSkip ? keep(v, valid) : v;
    p[0] = add_count(p[0], valid);
    if constexpr (kSkip) {
      p[1] = v < p[1] ? v : p[1];
      p[2] = v > p[2] ? v : p[2];
    } else {
      p[1] = choose(bits<Ints>(v < p[1]) | ~valid, v, p[1]);
      p[2] = choose(bits<Ints>(v > p[2]) | ~valid, v, p[2]);
    }
    p[3] += x;
    p[4] += x * x;
  }
};
template <int kOrder>
struct PowersStep {
  static constexpr int kPlanes = kOrder + 2;
  static constexpr bool kUsesIndex = true;
  FREESTONE_INLINE static void step(Doubles* p, Doubles v, Doubles w) {
    const Ints finite = bits<Ints>(v - v == 0.0);
    Doubles term = keep(v, finite);
    p[0] = add_count(p[0], finite);
    p[1] += term;
#pragma GCC unroll 8
    for (int k = 1; k <= kOrder; ++k) {
      term *= w;
      p[k + 1] += term;
    }
  }
};

template <class Step, class T>
void fold_rows(const std::byte* in, Index rows, Index row_stride, Index n, const FoldIndex& index, double* lanes) {
  constexpr int kGroups = kLanes / kWidth;
  constexpr Index kShortRow = 128, kRowsAhead = 8;
  Doubles p[kGroups][Step::kPlanes];
#pragma GCC unroll 32
  for (int k = 0; k < Step::kPlanes; ++k)
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; ++g) p[g][k] = load_plane(lanes + k * kLanes + g * kWidth);
  const Index whole = n / kLanes * kLanes;
  const Doubles numbers = lane_numbers() * static_cast<double>(index.element_step);
  for (Index r = 0; r < rows; ++r) {
    const T* x = reinterpret_cast<const T*>(in + r * row_stride);
    if (n <= kShortRow && r + kRowsAhead < rows)  // too far apart for the processor to foresee
      for (Index b = 0; b < n * static_cast<Index>(sizeof(T)); b += 64) __builtin_prefetch(in + (r + kRowsAhead) * row_stride + b);
    const Index first = index.base + r * index.row_step;
    Doubles w{};
    if (Step::kUsesIndex) w = spread(index.weights ? index.weights[first] : static_cast<double>(first));
    const bool moves = Step::kUsesIndex && index.element_step != 0;
    for (Index j = 0; j < whole; j += kLanes) {
#pragma GCC unroll 8
      for (int g = 0; g < kGroups; ++g) {
        if (Step::kUsesIndex && moves)
          w = index.weights ? load_plane(index.weights + first + j + g * kWidth)
                            : spread(static_cast<double>(first + (j + g * kWidth) * index.element_step)) + numbers;
        Step::step(p[g], load_lanes(x + j + g * kWidth), w);
      }
    }
    if (whole == n) continue;
    T rest[kLanes] = {};
    double rest_weights[kLanes] = {};
    std::int64_t live[kLanes] = {};
    for (Index j = whole; j < n; ++j) {
      rest[j - whole] = x[j];
      live[j - whole] = -1;
      if (moves) rest_weights[j - whole] = index.weights ? index.weights[first + j] : static_cast<double>(first + j * index.element_step);
    }
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; ++g) {
      Doubles q[Step::kPlanes];
      Ints mask;
      __builtin_memcpy(&mask, live + g * kWidth, sizeof mask);
      if (moves) w = load_plane(rest_weights + g * kWidth);
#pragma GCC unroll 32
      for (int k = 0; k < Step::kPlanes; ++k) q[k] = p[g][k];
      Step::step(q, load_lanes(rest + g * kWidth), w);
#pragma GCC unroll 32
      for (int k = 0; k < Step::kPlanes; ++k) p[g][k] = choose(mask, q[k], p[g][k]);
    }
  }
#pragma GCC unroll 32
  for (int k = 0; k < Step::kPlanes; ++k)
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; ++g) store_plane(lanes + k * kLanes + g * kWidth, p[g][k]);
}

template <class Step, class T>
void fold_columns(const std::byte* in, Index rows, Index row_stride, Index n, const FoldIndex& index, double* state, Index plane_stride) {
  constexpr Index kRowsTogether = 8;  // the state is loaded and stored once for so many rows
  for (Index r0 = 0; r0 < rows; r0 += kRowsTogether) {
    const Index together = rows - r0 < kRowsTogether ? rows - r0 : kRowsTogether;
    double weights[kRowsTogether] = {};
    if (Step::kUsesIndex)
      for (Index r = 0; r < together; ++r) {
        const Index at = index.base + (r0 + r) * index.row_step;
        weights[r] = index.weights ? index.weights[at] : static_cast<double>(at);
      }
    const std::byte* corner = in + r0 * row_stride;
    Index j = 0;
    for (; j + kWidth <= n; j += kWidth) {
      Doubles p[Step::kPlanes];
#pragma GCC unroll 32
      for (int k = 0; k < Step::kPlanes; ++k) p[k] = load_plane(state + k * plane_stride + j);
      const std::byte* x = corner + j * static_cast<Index>(sizeof(T));
      for (Index r = 0; r < together; ++r)
        Step::step(p, load_lanes(reinterpret_cast<const T*>(x + r * row_stride)), Step::kUsesIndex ? spread(weights[r]) : Doubles{});
#pragma GCC unroll 32
      for (int k = 0; k < Step::kPlanes; ++k) store_plane(state + k * plane_stride + j, p[k]);
    }
    if (j == n) continue;
    const std::size_t left = static_cast<std::size_t>(n - j);
    Doubles p[Step::kPlanes];
    for (int k = 0; k < Step::kPlanes; ++k) {
      p[k] = Doubles{};
      __builtin_memcpy(&p[k], state + k * plane_stride + j, left * sizeof(double));
    }
    for (Index r = 0; r < together; ++r) {
      T rest[kWidth] = {};
      __builtin_memcpy(rest, corner + r * row_stride + j * static_cast<Index>(sizeof(T)), left * sizeof(T));
      Step::step(p, load_lanes(rest), Step::kUsesIndex ? spread(weights[r]) : Doubles{});
    }
    for (int k = 0; k < Step::kPlanes; ++k) __builtin_memcpy(state + k * plane_stride + j, &p[k], left * sizeof(double));
  }
}

template <class Step, class T>
FoldLoops loops_of() {
  return {&fold_rows<Step, T>, &fold_columns<Step, T>};
}

template <class T, bool kSkip>
FoldLoops real_loops(FoldRule rule) {
  switch (rule) {
    case FoldRule::kSum: return loops_of<SumStep<Doubles, kSkip>, T>();
    case FoldRule::kSquares: return loops_of<SquaresStep<kSkip>, T>();
    case FoldRule::kProduct: return loops_of<ProductStep<Doubles, kSkip>, T>();
    case FoldRule::kMin: return loops_of<ExtremeStep<Doubles, kSkip, true>, T>();
    case FoldRule::kMax: return loops_of<ExtremeStep<Doubles, kSkip, false>, T>();
    case FoldRule::kArgMin: return loops_of<ArgStep<Doubles, kSkip, true>, T>();
    case FoldRule::kArgMax: return loops_of<ArgStep<Doubles, kSkip, false>, T>();
    case FoldRule::kCount: return loops_of<CountStep<kSkip>, T>();
    case FoldRule::kAny: return loops_of<TruthStep<kSkip, true>, T>();
    case FoldRule::kAll: return loops_of<TruthStep<kSkip, false>, T>();
    case FoldRule::kDeviations: return loops_of<DeviationsStep<kSkip>, T>();
    case FoldRule::kCountSum: return loops_of<CountSumStep<kSkip>, T>();
    case FoldRule::kStatistics: return loops_of<StatisticsStep<kSkip>, T>();
    case FoldRule::kPowers0: return loops_of<PowersStep<0>, T>();
    case FoldRule::kPowers1: return loops_of<PowersStep<1>, T>();
    case FoldRule::kPowers2: return loops_of<PowersStep<2>, T>();
    case FoldRule::kPowers4: return loops_of<PowersStep<4>, T>();
    case FoldRule::kPowers8: return loops_of<PowersStep<8>, T>();
  }
  return {};
}

template <class T>
FoldLoops integer_loops(FoldRule rule) {
  using V = typename VectorOf<T>::type;
  switch (rule) {
    case FoldRule::kSum: return loops_of<SumStep<Uints, false>, std::uint64_t>();  // wraps, for signed integers too
    case FoldRule::kProduct: return loops_of<ProductStep<Uints, false>, std::uint64_t>();
    case FoldRule::kMin: return loops_of<ExtremeStep<V, true, true>, T>();
    case FoldRule::kMax: return loops_of<ExtremeStep<V, true, false>, T>();
    case FoldRule::kArgMin: return loops_of<ArgStep<V, true, true>, T>();
    case FoldRule::kArgMax: return loops_of<ArgStep<V, true, false>, T>();
    default: return {};
  }
}

FoldLoops fold_loops(FoldRule rule, bool skip_nan, LaneType type) {
  switch (type) {
    case LaneType::kFloat32: return skip_nan ? real_loops<float, true>(rule) : real_loops<float, false>(rule);
    case LaneType::kFloat64: return skip_nan ? real_loops<double, true>(rule) : real_loops<double, false>(rule);
    case LaneType::kInt64: return integer_loops<std::int64_t>(rule);
    default: return integer_loops<std::uint64_t>(rule);
  }
}

// As SumRule::merge, a vector of outputs at a time.
void merge_sums(double* into, Index into_stride, const double* from, Index from_stride, Index n) {
  constexpr std::int64_t kNoSign = 0x7fffffffffffffff;
  const auto magnitude = [](Doubles v) { return bits<Doubles>(bits<Ints>(v) & kNoSign); };
  double* const counts = into + into_stride;
  double* const losses = counts + into_stride;
  const double* const from_counts = from + from_stride;
  const double* const from_losses = from_counts + from_stride;
  Index i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    const Doubles sum = load_plane(into + i), x = load_plane(from + i), total = sum + x;
    const Doubles lost = choose(bits<Ints>(magnitude(sum) >= magnitude(x)), (sum - total) + x, (x - total) + sum);
    store_plane(into + i, total);
    store_plane(counts + i, bits<Doubles>(bits<Ints>(load_plane(counts + i)) + bits<Ints>(load_plane(from_counts + i))));
    store_plane(losses + i, (load_plane(losses + i) + lost) + load_plane(from_losses + i));
  }
  auto* const words = reinterpret_cast<Word*>(into);
  for (; i < n; ++i) SumRule::merge({words + i, into_stride}, {reinterpret_cast<const Word*>(from) + i, from_stride});
}
