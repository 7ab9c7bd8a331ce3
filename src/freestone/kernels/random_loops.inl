// Included once for each target; see for_each_target.h.

inline constexpr int kRandomLanes = 16;  // blocks that go through the rounds together

inline void random_words(std::uint64_t seed, std::uint32_t stream, std::uint64_t first, std::uint32_t* out) {
  for (int batch = 0; batch < kRandomBatch; batch += kRandomLanes) {
    std::uint32_t a[kRandomLanes], b[kRandomLanes], c[kRandomLanes], d[kRandomLanes];
    for (int i = 0; i < kRandomLanes; ++i) {
      const std::uint64_t block = first + static_cast<std::uint64_t>(batch + i);
      a[i] = static_cast<std::uint32_t>(block), b[i] = static_cast<std::uint32_t>(block >> 32), c[i] = stream, d[i] = 0;
    }
    auto low = static_cast<std::uint32_t>(seed), high = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      for (int i = 0; i < kRandomLanes; ++i) {
        const std::uint64_t left = std::uint64_t{0xD2511F53} * a[i], right = std::uint64_t{0xCD9E8D57} * c[i];
        a[i] = static_cast<std::uint32_t>(right >> 32) ^ b[i] ^ low;
        c[i] = static_cast<std::uint32_t>(left >> 32) ^ d[i] ^ high;
        b[i] = static_cast<std::uint32_t>(right), d[i] = static_cast<std::uint32_t>(left);
      }
      low += 0x9E3779B9u, high += 0xBB67AE85u;
    }
    for (int i = 0; i < kRandomLanes; ++i) {
      std::uint32_t* to = out + 4 * (batch + i);
      to[0] = a[i], to[1] = b[i], to[2] = c[i], to[3] = d[i];
    }
  }
}

inline void random_central_normal(const double* q, Index n, double* out) {
  for (Index i = 0; i < n; ++i) {
    const double r = 0.180625 - q[i] * q[i];
    const double numerator =
        (((((((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r + 45921.953931549871457) * r +
            13731.693765509461125) * r + 1971.5909503065514427) * r + 133.14166789178437745) * r + 3.387132872796366608);
    const double denominator =
        (((((((5226.495278852854561 * r + 28729.085735721942674) * r + 39307.89580009271061) * r + 21213.794301586595867) * r +
            5394.1960214247511077) * r + 687.1870074920579083) * r + 42.313330701600911252) * r + 1.0);
    out[i] = q[i] * numerator / denominator;
  }
}

inline RandomLoops random_loop_set() { return {random_words, random_central_normal}; }
