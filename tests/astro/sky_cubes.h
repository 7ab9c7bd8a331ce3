/// Random cubes with NaN, and results as vectors of double, for the tests of this room.
#pragma once

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "astro/header_words.h"
#include "freestone/astro/spectral_cube.h"

namespace freestone::astro {

inline const char* const kRadioWords =
    "CTYPE1='RA---SIN' CRVAL1=173.645 CDELT1=-5.555E-05 CRPIX1=5. CUNIT1='deg' CTYPE2='DEC--SIN' CRVAL2=-32.25 CDELT2=5.555E-05 CRPIX2=4. "
    "CUNIT2='deg' "
    "CTYPE3='FREQ' CRVAL3=115271201800. CDELT3=-488281.25 CRPIX3=1. CUNIT3='Hz' RESTFRQ=115271201800. SPECSYS='LSRK'";

/// Memory that an Array looks at.
template <class T>
Array array_of(std::vector<T> values, const Shape& shape) {
  auto owner = std::make_shared<std::vector<T>>(std::move(values));
  return from_memory(View::contiguous(owner->data(), dtype_of<T>(), shape), owner);
}

/// Normal noise about 1, a tenth of it NaN, and one spectrum of NaN alone, at (1, 2).
inline std::vector<float> random_pixels(unsigned seed, const Shape& shape) {
  std::mt19937 random(seed);
  std::normal_distribution<float> noise(1, 1);
  std::uniform_real_distribution<float> fate;
  std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
  const auto plane = static_cast<std::size_t>(shape[1] * shape[2]), lost = static_cast<std::size_t>(shape[2] + 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = noise(random);
    if (fate(random) < 0.1f || i % plane == lost) values[i] = std::numeric_limits<float>::quiet_NaN();
  }
  return values;
}

inline SkyArray cube_of(Array data, const char* words = kRadioWords) {
  SkyArray sky;
  sky.data = std::move(data);
  sky.dims = {"spectral", "y", "x"};
  sky.wcs = Wcs::from_cards(cards_of(words), 3);
  sky.unit = Unit::parse("Jy/beam");
  sky.beam = Beam{0.79 / 3600, 0.68 / 3600, 30};
  return sky;
}

/// The elements of an array, computed, in C order.
inline std::vector<double> numbers_of(const Array& array) {
  const Tensor tensor = compute(array, {.settings = {.memory_bytes = Index{256} << 20, .threads = 2}});
  return with_real_type(tensor.dtype(), [&]<class T>(TypeTag<T>) {
    const T* data = tensor.data<T>();
    return std::vector<double>(data, data + tensor.view().count());
  });
}

#define EXPECT_ALL_NEAR(actual, expected, relative)                                                                       \
  do {                                                                                                                    \
    const std::vector<double> a_ = (actual), e_ = (expected);                                                             \
    ASSERT_EQ(a_.size(), e_.size());                                                                                      \
    for (std::size_t i_ = 0; i_ < a_.size(); ++i_) {                                                                      \
      ASSERT_EQ(std::isnan(a_[i_]), std::isnan(e_[i_])) << "element " << i_ << ": " << a_[i_] << ", expected " << e_[i_]; \
      if (std::isnan(e_[i_])) continue;                                                                                   \
      ASSERT_NEAR(a_[i_], e_[i_], (relative) * (1e-3 + std::abs(e_[i_]))) << "element " << i_;                            \
    }                                                                                                                     \
  } while (false)

}  // namespace freestone::astro
