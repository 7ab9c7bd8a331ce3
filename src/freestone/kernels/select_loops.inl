// The vector loops of select_loops.h; compiled once for each target by for_each_target.h.

template <class T, int kBytes>
struct VectorOf {
  typedef T type __attribute__((vector_size(kBytes)));
};

inline constexpr int kBytes = FREESTONE_VECTOR_BYTES;
inline constexpr int kGroups = 64 / kBytes;  // vectors of a row
template <class T>
using Vector = typename VectorOf<T, kBytes>::type;
template <class T>
using Mask = typename VectorOf<Key<T>, kBytes>::type;
template <class T>
inline constexpr int kWidth = kBytes / static_cast<int>(sizeof(T));

template <class V, class T>
FREESTONE_INLINE V load(const T* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
template <class V, class T>
FREESTONE_INLINE void store(T* to, V v) {
  __builtin_memcpy(to, &v, sizeof v);
}

template <class T>
void summarize(const T* block, Index n, ColumnSummary<T>& summary) {
  using V = Vector<T>;
  constexpr T kInfinite = std::numeric_limits<T>::infinity();
  for (int g = 0; g < kGroups; ++g) {
    const T* x = block + g * kWidth<T>;
    V least = kInfinite - V{}, greatest = -kInfinite - V{}, sum{};
    Mask<T> count{};
    for (Index i = 0; i < n; ++i, x += kColumns<T>) {
      const V v = load<V>(x);
      const Mask<T> valid = v == v;
      count -= valid;
      least = v < least ? v : least;
      greatest = v > greatest ? v : greatest;
      sum += valid ? v : V{};
    }
    for (int l = 0; l < kWidth<T>; ++l) {
      const int c = g * kWidth<T> + l;
      summary.count[c] = static_cast<Index>(count[l]);
      summary.least[c] = least[l];
      summary.greatest[c] = greatest[l];
      summary.mean[c] = sum[l] / static_cast<T>(count[l]);
    }
  }
}

// count + 1 where v <= p.
template <class C, class V>
FREESTONE_INLINE C add_where_upto(C count, V v, V p) {
#if FREESTONE_VECTOR_BYTES == 64  // masks stay masks
  if constexpr (sizeof(v[0]) == 4) {
    const __mmask16 m = _mm512_cmp_ps_mask((__m512)v, (__m512)p, _CMP_LE_OQ);
    return (C)_mm512_mask_sub_epi32((__m512i)count, m, (__m512i)count, _mm512_set1_epi32(-1));
  } else {
    const __mmask8 m = _mm512_cmp_pd_mask((__m512d)v, (__m512d)p, _CMP_LE_OQ);
    return (C)_mm512_mask_sub_epi64((__m512i)count, m, (__m512i)count, _mm512_set1_epi64(-1));
  }
#else
  return count - (v <= p);
#endif
}

// Values <= pivot of every column.
template <class T>
FREESTONE_INLINE void count_upto(const T* block, Index n, const T* pivot, Key<T>* upto) {
  using V = Vector<T>;
  V p[kGroups];
  Mask<T> count[kGroups];
#pragma GCC unroll 4
  for (int g = 0; g < kGroups; ++g) p[g] = load<V>(pivot + g * kWidth<T>), count[g] = Mask<T>{};
#pragma GCC unroll 4
  for (Index i = 0; i < n; ++i)
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g) {
      const V v = load<V>(block + i * kColumns<T> + g * kWidth<T>);
      count[g] = add_where_upto(count[g], v, p[g]);
    }
#pragma GCC unroll 4
  for (int g = 0; g < kGroups; ++g) store(upto + g * kWidth<T>, count[g]);
}

// The greatest value <= upto and the least value > over (over NaN, the key below -infinity: the least of all).
template <class T>
FREESTONE_INLINE void neighbours(const T* block, Index n, const T* upto, const T* over, T* below, T* above) {
  using V = Vector<T>;
  constexpr T kInfinite = std::numeric_limits<T>::infinity();
  constexpr int kTurns = kGroups == 1 ? 2 : 1;  // rows in turns, so that no comparison waits for the last
  V p[kGroups], q[kGroups], lower[kTurns][kGroups], upper[kTurns][kGroups];
#pragma GCC unroll 4
  for (int g = 0; g < kGroups; ++g) {
    p[g] = load<V>(upto + g * kWidth<T>), q[g] = load<V>(over + g * kWidth<T>);
    for (int t = 0; t < kTurns; ++t) lower[t][g] = -kInfinite - V{}, upper[t][g] = kInfinite - V{};
  }
  for (Index i = 0; i < n; i += kTurns)
#pragma GCC unroll 2
    for (int t = 0; t < kTurns; ++t)
#pragma GCC unroll 4
      for (int g = 0; g < kGroups; ++g) {
        const Index row = i + t < n ? i + t : i;
        const V v = load<V>(block + row * kColumns<T> + g * kWidth<T>);
        const V low = v <= p[g] ? v : -kInfinite - V{}, high = v <= q[g] ? kInfinite - V{} : v;
        lower[t][g] = low > lower[t][g] ? low : lower[t][g];
        upper[t][g] = high < upper[t][g] ? high : upper[t][g];
      }
#pragma GCC unroll 4
  for (int g = 0; g < kGroups; ++g) {
    for (int t = 1; t < kTurns; ++t) {
      lower[0][g] = lower[t][g] > lower[0][g] ? lower[t][g] : lower[0][g];
      upper[0][g] = upper[t][g] < upper[0][g] ? upper[t][g] : upper[0][g];
    }
    store(below + g * kWidth<T>, lower[0][g]), store(above + g * kWidth<T>, upper[0][g]);
  }
}

// The greatest values <= pivot, downwards, and the least values > pivot, upwards.
template <class T>
FREESTONE_INLINE void windows(const T* block, Index n, const T* pivot, RankAnswer<T>& answer) {
  using V = Vector<T>;
  constexpr int kWindow = RankAnswer<T>::kWindow;
  const V infinite = std::numeric_limits<T>::infinity() - V{};
  for (int g = 0; g < kGroups; ++g) {
    const T* x = block + g * kWidth<T>;
    const V p = load<V>(pivot + g * kWidth<T>);
    V lower[kWindow], upper[kWindow];
#pragma GCC unroll 8
    for (int k = 0; k < kWindow; ++k) lower[k] = -infinite, upper[k] = infinite;
    for (Index i = 0; i < n; ++i, x += kColumns<T>) {
      const V v = load<V>(x);
      V low = v <= p ? v : -infinite, high = v > p ? v : infinite;
#pragma GCC unroll 8
      for (int k = 0; k < kWindow; ++k) {
        const V l = lower[k], u = upper[k];
        lower[k] = low > l ? low : l;
        low = low < l ? low : l;
        upper[k] = high < u ? high : u;
        high = high > u ? high : u;
      }
    }
#pragma GCC unroll 8
    for (int k = 0; k < kWindow; ++k) store(answer.lower[k] + g * kWidth<T>, lower[k]), store(answer.upper[k] + g * kWidth<T>, upper[k]);
  }
}

template <class T>
void find_ranks(const T* block, Index n, RankRequest<T>& request, RankAnswer<T>& answer) {
  constexpr int kC = kColumns<T>, kWindow = RankAnswer<T>::kWindow;
  constexpr int kSnapEvery = 7, kBisectEvery = 4;
  T pivot[kC], below[kC], above[kC];
  Key<T> upto[kC];
  bool open[kC];
  int left = 0;
  for (int c = 0; c < kC; ++c) {
    open[c] = request.rank[c] >= 0;
    left += open[c];
    pivot[c] = request.guess[c];
    answer.upto[c] = 0;
    answer.tied[c] = T{};
    answer.tied_from[c] = std::numeric_limits<Index>::max();
  }
  // One value takes all ranks that are left.
  const auto close = [&](int c) __attribute__((always_inline)) {
    const Bracket<T>& b = request.bracket[c];
    open[c] = false;
    --left;
    pivot[c] = answer.tied[c] = b.high;
    answer.upto[c] = b.count_high;
    answer.tied_from[c] = b.count_low;
  };
  for (int pass = 1; left > 0; ++pass) {
    if (pass % kSnapEvery == 0) {
      T lows[kC], highs[kC];
      for (int c = 0; c < kC; ++c) lows[c] = request.bracket[c].low, highs[c] = request.bracket[c].high;
      neighbours(block, n, highs, lows, below, above);
      for (int c = 0; c < kC; ++c) {
        if (!open[c]) continue;
        Bracket<T>& b = request.bracket[c];
        b.high = below[c];
        if (above[c] == below[c]) {
          close(c);
          continue;
        }
        b.low = just_below(above[c]);
        pivot[c] = above[c] / 2 + below[c] / 2;
        if (!(pivot[c] >= above[c] && pivot[c] < b.high)) pivot[c] = above[c];
      }
      continue;
    }
    count_upto(block, n, pivot, upto);
    for (int c = 0; c < kC; ++c) {
      if (!open[c]) continue;
      Bracket<T>& b = request.bracket[c];
      const Index rank = request.rank[c], count = static_cast<Index>(upto[c]);
      if (count - kWindow <= rank && rank + request.needs_next[c] < count + kWindow) {
        open[c] = false;
        --left;
        answer.upto[c] = count;
        continue;
      }
      if (count > rank)
        b.high = pivot[c], b.count_high = count;
      else
        b.low = pivot[c], b.count_low = count;
      const Key<T> low = key_of(b.low), high = key_of(b.high);
      if (high - 1 <= low) {
        close(c);
        continue;
      }
      const T part = static_cast<T>(rank + 1 - b.count_low) / static_cast<T>(b.count_high - b.count_low);
      T p = b.low + (b.high - b.low) * part;
      if (pass % kBisectEvery == 0 || !(p > b.low && p < b.high))
        p = of_key<T>(low + static_cast<Key<T>>((static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low)) >> 1));
      pivot[c] = p;
    }
  }
  windows(block, n, pivot, answer);
}

template <class T>
void count_outside(const T* block, Index n, const T* low, const T* high, Index* below, Index* upto) {
  using V = Vector<T>;
  for (int g = 0; g < kGroups; ++g) {
    const T* x = block + g * kWidth<T>;
    const V l = load<V>(low + g * kWidth<T>), h = load<V>(high + g * kWidth<T>);
    Mask<T> under{}, within{};
    for (Index i = 0; i < n; ++i, x += kColumns<T>) {
      const V v = load<V>(x);
      under -= v < l;
      within -= v <= h;
    }
    for (int i = 0; i < kWidth<T>; ++i) {
      below[g * kWidth<T> + i] = static_cast<Index>(under[i]);
      upto[g * kWidth<T> + i] = static_cast<Index>(within[i]);
    }
  }
}

// A vector of doubles from memory; written out where the compiler would convert in halves.
FREESTONE_INLINE Vector<double> as_doubles(const double* from) { return load<Vector<double>>(from); }
FREESTONE_INLINE Vector<double> as_doubles(const float* from) {
#if FREESTONE_VECTOR_BYTES == 64
  return (Vector<double>)_mm512_cvtps_pd(_mm256_loadu_ps(from));
#elif FREESTONE_VECTOR_BYTES == 32
  return (Vector<double>)_mm256_cvtps_pd(_mm_loadu_ps(from));
#else
  return __builtin_convertvector((load<typename VectorOf<float, kBytes / 2>::type>(from)), Vector<double>);
#endif
}

template <class T>
void deviations(const T* block, Index n, const double* low, const double* high, const double* center, double* sum, double* squares) {
  constexpr int kLanes = kBytes / 8;
  constexpr int kTogether = kColumns<T> / kLanes < 2 ? 1 : 2;
  using D = typename VectorOf<double, kBytes>::type;
  using B = typename VectorOf<std::int64_t, kBytes>::type;
  for (int c = 0; c < kColumns<T>; c += kTogether * kLanes) {
    const T* x = block + c;
    D l[kTogether], h[kTogether], m[kTogether], s[kTogether], q[kTogether];
#pragma GCC unroll 2
    for (int g = 0; g < kTogether; ++g) {
      l[g] = load<D>(low + c + g * kLanes), h[g] = load<D>(high + c + g * kLanes), m[g] = load<D>(center + c + g * kLanes);
      s[g] = q[g] = D{};
    }
    for (Index i = 0; i < n; ++i, x += kColumns<T>)
#pragma GCC unroll 2
      for (int g = 0; g < kTogether; ++g) {
        const D v = as_doubles(x + g * kLanes);
        const B in = (v >= l[g]) & (v <= h[g]);
        D d = v - m[g];
        d = in ? d : D{};
        s[g] += d;
        q[g] += d * d;
      }
#pragma GCC unroll 2
    for (int g = 0; g < kTogether; ++g) store(sum + c + g * kLanes, s[g]), store(squares + c + g * kLanes, q[g]);
  }
}

template <class T>
void absolute_deviations(T* block, Index n, const T* center) {
  using V = Vector<T>;
  for (Index i = 0; i < n; ++i)
    for (int g = 0; g < kGroups; ++g) {
      T* x = block + i * kColumns<T> + g * kWidth<T>;
      const V d = load<V>(x) - load<V>(center + g * kWidth<T>);
      store(x, d < 0 ? -d : d);
    }
}

template <class T>
Index keep_within(T* block, Index n, const T* low, const T* high) {
  using V = Vector<T>;
  const V nan = std::numeric_limits<T>::quiet_NaN() - V{};
  Index kept = 0;
  for (int g = 0; g < kGroups; ++g) {
    T* x = block + g * kWidth<T>;
    const V l = load<V>(low + g * kWidth<T>), h = load<V>(high + g * kWidth<T>);
    Mask<T> count{};
    for (Index i = 0; i < n; ++i, x += kColumns<T>) {
      const V v = load<V>(x);
      const Mask<T> in = (v >= l) & (v <= h);
      count -= in;
      store(x, in ? v : nan);
    }
    for (int i = 0; i < kWidth<T>; ++i) kept += static_cast<Index>(count[i]);
  }
  return kept;
}

template <class T>
void drop_infinite(T* block, Index n) {
  using V = Vector<T>;
  for (Index i = 0; i < n * kColumns<T>; i += kWidth<T>) {
    const V v = load<V>(block + i);
    const V zero = v - v;  // NaN for what is not finite
    store(block + i, zero == 0 ? v : zero);
  }
}

template <class T>
SelectLoops<T> loops() {
  return {&summarize<T>, &find_ranks<T>, &count_outside<T>, &deviations<T>, &absolute_deviations<T>, &keep_within<T>, &drop_infinite<T>};
}
