// Clips a spectral cube, writes its velocity field, and prints its statistics: clip_cube CUBE.fits MOMENT1.fits
#include <freestone/freestone.h>

#include <cstdio>

namespace fs = freestone;

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: clip_cube CUBE.fits MOMENT1.fits\n");
    return 2;
  }
  try {
    const auto cube = fs::astro::SpectralCube::read(argv[1]).sigma_clip_spectrally(3.0);
    fs::astro::write(fs::astro::moment(cube.sky(), 1), argv[2], {.overwrite = true});
    const fs::astro::Statistics s = fs::astro::statistics(cube.sky());
    std::printf("%.0f values, mean %g, sigma %g %s\n", s.npts, s.mean, s.sigma, s.unit.to_string().c_str());
  } catch (const fs::Error& error) {
    std::fprintf(stderr, "clip_cube: %s\n", error.what());
    return 1;
  }
}
