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
FREESTONE_INLINE void store(T* to, V v) { __builtin_memcpy(to, &v, sizeof v); }

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
      count[g] -= v <= p[g];
    }
#pragma GCC unroll 4
  for (int g = 0; g < kGroups; ++g) store(upto + g * kWidth<T>, count[g]);
}

// The greatest value <= upto and the least value > over (over NaN, the key below -infinity: the least of all).
template <class T>
FREESTONE_INLINE void neighbours(const T* block, Index n, const T* upto, const T* over, T* below, T* above) {
  using V = Vector<T>;
  constexpr T kInfinite = std::numeric_limits<T>::infinity();
  V p[kGroups], q[kGroups], lower[kGroups], upper[kGroups];
#pragma GCC unroll 4
  for (int g = 0; g < kGroups; ++g) {
    p[g] = load<V>(upto + g * kWidth<T>), q[g] = load<V>(over + g * kWidth<T>);
    lower[g] = -kInfinite - V{}, upper[g] = kInfinite - V{};
  }
  for (Index i = 0; i < n; ++i)
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g) {
      const V v = load<V>(block + i * kColumns<T> + g * kWidth<T>);
      const Mask<T> is_lower = (v <= p[g]) & (v > lower[g]), is_upper = ~(v <= q[g]) & (v < upper[g]);
      lower[g] = is_lower ? v : lower[g];
      upper[g] = is_upper ? v : upper[g];
    }
#pragma GCC unroll 4
  for (int g = 0; g < kGroups; ++g) store(below + g * kWidth<T>, lower[g]), store(above + g * kWidth<T>, upper[g]);
}

template <class T>
void find_ranks(const T* block, Index n, RankRequest<T>& request, RankAnswer<T>& answer) {
  constexpr int kC = kColumns<T>;
  constexpr int kSnapEvery = 5, kBisectEvery = 4;
  T pivot[kC], below[kC], above[kC];
  Key<T> upto[kC];
  bool open[kC], from_low[kC];
  int left = 0;
  for (int c = 0; c < kC; ++c) {
    open[c] = request.rank[c] >= 0;
    from_low[c] = false;
    left += open[c];
    pivot[c] = request.guess[c];
  }
  for (int pass = 1; left > 0; ++pass) {
    if (pass % kSnapEvery == 0) {
      T lows[kC], highs[kC];
      for (int c = 0; c < kC; ++c) lows[c] = request.bracket[c].low, highs[c] = request.bracket[c].high;
      neighbours(block, n, highs, lows, below, above);
      for (int c = 0; c < kC; ++c) {
        if (!open[c]) continue;
        Bracket<T>& b = request.bracket[c];
        b.high = below[c];
        if (above[c] == below[c]) {  // one value left, maybe many times
          open[c] = false;
          --left;
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
      if (count > rank) b.high = pivot[c], b.count_high = count;
      else b.low = pivot[c], b.count_low = count;
      const Key<T> low = key_of(b.low), high = key_of(b.high);
      from_low[c] = count == rank && !request.needs_next[c];
      if (count == rank + 1 || from_low[c] || high - 1 <= low) {
        open[c] = false;
        --left;
        continue;
      }
      const T part = static_cast<T>(rank + 1 - b.count_low) / static_cast<T>(b.count_high - b.count_low);
      T p = b.low + (b.high - b.low) * part;
      if (pass % kBisectEvery == 0 || !(p > b.low && p < b.high)) p = of_key<T>(low + static_cast<Key<T>>((static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low)) >> 1));
      pivot[c] = p;
    }
  }
  // Where the search ended below the value, it is the least above `low`; elsewhere the greatest up to `high`.
  T highs[kC], overs[kC];
  for (int c = 0; c < kC; ++c) {
    highs[c] = request.bracket[c].high;
    overs[c] = from_low[c] ? request.bracket[c].low : request.bracket[c].high;
  }
  neighbours(block, n, highs, overs, below, above);
  for (int c = 0; c < kC; ++c) {
    const Index rank = request.rank[c];
    answer.value[c] = from_low[c] ? above[c] : below[c];
    answer.next[c] = request.needs_next[c] && request.bracket[c].count_high == rank + 1 ? above[c] : answer.value[c];
  }
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

template <class T>
void deviations(const T* block, Index n, const double* low, const double* high, const double* center, double* sum, double* squares) {
  constexpr int kLanes = kBytes / 8;
  constexpr int kTogether = kColumns<T> / kLanes < 2 ? 1 : 2;
  using D = typename VectorOf<double, kBytes>::type;
  using B = typename VectorOf<std::int64_t, kBytes>::type;
  using Part = typename VectorOf<T, kLanes * static_cast<int>(sizeof(T))>::type;
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
        const D v = __builtin_convertvector(load<Part>(x + g * kLanes), D);
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
