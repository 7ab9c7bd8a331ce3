// Cubes from FITS files of any axis order, and back.
#include <gtest/gtest.h>

#include "astro/sky_cubes.h"
#include "freestone/formats/format.h"
#include "freestone/ops/shape.h"
#include "storage/temporary_folder.h"

namespace freestone::astro {
namespace {

using testing_files::error_of;
using testing_files::Folder;

const Shape kShape{5, 3, 4};

/// Writes `data` with the header `words` as it stands.
void write_plain(const Array& data, const std::string& path, const std::string& words, std::vector<formats::Table> tables = {}) {
  formats::WriteRequest request{.path = path, .header_cards = cards_of(words), .tables = std::move(tables)};
  write_outputs({{data, formats::create_sink(data.spec(), request)}});
}

const char* const kSkyWords = "CTYPE1='RA---TAN' CRVAL1=10. CDELT1=-0.001 CRPIX1=2. CTYPE2='DEC--TAN' CRVAL2=41. CDELT2=0.001 CRPIX2=2.";

TEST(SkyFiles, WhatIsWrittenIsReadAgain) {
  const Folder folder;
  SkyArray sky = cube_of(array_of(random_pixels(1, kShape), kShape));
  sky.header.set("OBJECT", std::string("NGC 1"));
  sky.header.add_history("observed");
  write(sky, folder / "a.fits", {.history = "clipped"});
  const SpectralCube cube = SpectralCube::read(folder / "a.fits");
  EXPECT_EQ(cube.data().dtype(), DType::kFloat32);
  EXPECT_ALL_NEAR(numbers_of(cube.data()), numbers_of(sky.data), 0);
  EXPECT_TRUE(cube.wcs().same_as(sky.wcs));
  EXPECT_EQ(cube.unit(), sky.unit);
  EXPECT_NEAR(cube.sky().beam->major_deg, sky.beam->major_deg, 1e-15);
  EXPECT_EQ(cube.sky().header.text("OBJECT"), "NGC 1");
  EXPECT_EQ(cube.sky().header.history(), (std::vector<std::string>{"observed", "clipped"}));
  EXPECT_FALSE(cube.sky().header.has("NAXIS1"));

  EXPECT_EQ(error_of([&] { write(sky, folder / "a.fits"); }).kind(), ErrorKind::kUser);
  write(sky, folder / "a.fits", {.overwrite = true, .dtype = DType::kFloat64});
  EXPECT_EQ(SpectralCube::read(folder / "a.fits").data().dtype(), DType::kFloat64);
}

TEST(SkyFiles, ImagesAndSpectraKeepTheirPartOfTheWcs) {
  const Folder folder;
  const SkyArray sky = cube_of(array_of(random_pixels(2, kShape), kShape));
  SpectralCube(sky).sigma_clip(100.0).moment(1).write(folder / "m1.fits");
  const SkyArray image = sky_array_from(open(folder / "m1.fits"));
  EXPECT_EQ(image.dims, (std::vector<std::string>{"y", "x"}));
  EXPECT_EQ(image.unit, Unit::parse("Hz"));
  EXPECT_TRUE(image.wcs.same_as(sky.wcs.celestial()));
  EXPECT_TRUE(image.beam.has_value());
  write(reduce(sky, "mean", {"y", "x"}), folder / "spectrum.fits");
  const SkyArray spectrum = sky_array_from(open(folder / "spectrum.fits"));
  EXPECT_EQ(spectrum.dims, std::vector<std::string>{"spectral"});
  EXPECT_EQ(axis_coordinates(spectrum, 0), axis_coordinates(sky, 0));
}

TEST(SkyFiles, FourAxesInAnyOrder) {
  const Folder folder;
  const Array cube = array_of(random_pixels(3, kShape), kShape);
  const auto expected = numbers_of(cube);
  // FITS axis numbers of longitude, latitude, spectrum, Stokes; the array's axes are the other way round.
  std::vector<int> place = {1, 2, 3, 4};
  do {
    const auto axis = [&](int what) { return 4 - place[static_cast<std::size_t>(what)]; };
    std::vector<int> order(4);
    order[static_cast<std::size_t>(axis(3))] = 0, order[static_cast<std::size_t>(axis(2))] = 1;
    order[static_cast<std::size_t>(axis(1))] = 2, order[static_cast<std::size_t>(axis(0))] = 3;
    const Array stored = freestone::transpose(expand_dims(cube, 0), order);
    const std::string words = fmt::format(
        "CTYPE{0}='RA---TAN' CRVAL{0}=10. CDELT{0}=-0.001 CRPIX{0}=2. CTYPE{1}='DEC--TAN' CRVAL{1}=41. CDELT{1}=0.001 CRPIX{1}=2. "
        "CTYPE{2}='VRAD' CRVAL{2}=100. CDELT{2}=2. CRPIX{2}=1. CUNIT{2}='m/s' CTYPE{3}='STOKES' CRVAL{3}=1. CDELT{3}=1. CRPIX{3}=1. "
        "BUNIT='JY/BEAM'",
        place[0], place[1], place[2], place[3]);
    SCOPED_TRACE(words);
    const std::string path = folder / fmt::format("{}{}{}{}.fits", place[0], place[1], place[2], place[3]);
    write_plain(stored, path, words);
    const SpectralCube read = SpectralCube::read(path);
    ASSERT_EQ(read.shape(), kShape);
    EXPECT_ALL_NEAR(numbers_of(read.data()), expected, 0);
    EXPECT_EQ(read.spectral_axis(), (std::vector<double>{100, 102, 104, 106, 108}));
    EXPECT_EQ(read.unit(), Unit::parse("Jy/beam"));
    EXPECT_TRUE(read.wcs().has_celestial());
  } while (std::next_permutation(place.begin(), place.end()));
}

TEST(SkyFiles, OfSeveralStokesPlanesTheFirstStandsForI) {
  const Folder folder;
  const Shape shape{3, 5, 3, 4};
  std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const std::string words =
      std::string(kSkyWords) + " CTYPE3='VRAD' CRVAL3=100. CDELT3=2. CRPIX3=1. CUNIT3='m/s' CTYPE4='STOKES' CRVAL4=1. CDELT4=1. CRPIX4=2.";
  write_plain(array_of(values, shape), folder / "iqu.fits", words);  // planes 0, 1, 2: Stokes 0, I, Q
  const SkyArray all = sky_array_from(open(folder / "iqu.fits"));
  EXPECT_EQ(all.dims, (std::vector<std::string>{"stokes", "spectral", "y", "x"}));
  const SpectralCube cube = SpectralCube::read(folder / "iqu.fits");
  EXPECT_EQ(cube.shape(), kShape);
  EXPECT_EQ(numbers_of(cube.data())[0], 60);
}

TEST(SkyFiles, PlainAxesAreTakenByPosition) {
  const Folder folder;
  write_plain(array_of(random_pixels(4, kShape), kShape), folder / "plain.fits", "");
  const SpectralCube cube = SpectralCube::read(folder / "plain.fits");
  EXPECT_EQ(cube.shape(), kShape);
  EXPECT_EQ(cube.spectral_axis(), (std::vector<double>{1, 2, 3, 4, 5}));  // FITS pixels without a WCS
  EXPECT_EQ(cube.moment(1).data.shape(), (Shape{3, 4}));
  EXPECT_EQ(cube.spectral_slab({2, Unit()}, {4, Unit()}).shape()[0], 3);
  const auto dims = [&](const Shape& shape, const std::string& words) {
    const std::string path = folder / fmt::format("{}.fits", std::hash<std::string>()(words + to_string(shape)));
    write_plain(array_of(std::vector<float>(static_cast<std::size_t>(element_count(shape))), shape), path, words);
    std::string names;
    for (const std::string& dim : sky_array_from(open(path)).dims) names += dim + " ";
    return names;
  };
  EXPECT_EQ(dims({1, 5, 3, 4}, ""), "spectral y x ");
  EXPECT_EQ(dims({1, 3, 4}, ""), "spectral y x ");
  EXPECT_EQ(dims({3, 4}, ""), "y x ");
  EXPECT_EQ(dims({7}, ""), "axis0 ");
  EXPECT_EQ(dims({2, 5, 3, 4}, ""), "axis0 axis1 axis2 axis3 ");
  EXPECT_EQ(dims({5, 3, 4}, kSkyWords), "spectral y x ");
  EXPECT_EQ(dims({1, 3, 4}, kSkyWords + std::string(" CTYPE3='TIME'")), "y x ");
  EXPECT_EQ(dims({5, 3, 4}, kSkyWords + std::string(" CTYPE3='TIME'")), "axis0 y x ");
  EXPECT_EQ(dims({3, 4, 5}, "CTYPE1='FREQ' CRVAL1=1E9 CDELT1=1E6"), "spectral y x ");
  EXPECT_EQ(dims({4, 5}, "CTYPE1='OFFSET' CTYPE2='FREQ' CRVAL2=1E9 CDELT2=1E6"), "spectral axis1 ");
  EXPECT_EQ(dims({1}, "CTYPE1='STOKES'"), "stokes ");
  write_plain(array_of(std::vector<float>(12), {3, 4}), folder / "image.fits", kSkyWords);
  EXPECT_EQ(sky_array_from(open(folder / "image.fits")).dims, (std::vector<std::string>{"y", "x"}));
  EXPECT_SAYS(error_of([&] { SpectralCube::read(folder / "image.fits"); }), "(y, x)");
  EXPECT_SAYS(error_of([&] { SpectralCube::read(folder / "image.fits"); }), "image.fits");
}

TEST(SkyFiles, AHeaderThatMakesNoSenseIsNamedWithItsFile) {
  const Folder folder;
  const Array data = array_of(std::vector<float>(60, 1), kShape);
  write_plain(data, folder / "wcs.fits", "CTYPE1='RA---TAN' CTYPE2='DEC--XYZ' CTYPE3='FREQ' CRVAL3=1E9 CDELT3=1E6");
  const Error wcs = error_of([&] { SpectralCube::read(folder / "wcs.fits"); });
  EXPECT_EQ(wcs.kind(), ErrorKind::kData);
  EXPECT_SAYS(wcs, "wcs.fits");
  write_plain(data, folder / "beam.fits", std::string(kSkyWords) + " CTYPE3='FREQ' CRVAL3=1E9 CDELT3=1E6 BMAJ=-1.");
  const Error beam = error_of([&] { SpectralCube::read(folder / "beam.fits"); });
  EXPECT_EQ(beam.kind(), ErrorKind::kData);
  EXPECT_SAYS(beam, "beam.fits");
}

TEST(SkyFiles, BeamsOfChannels) {
  const Folder folder;
  SkyArray sky = cube_of(array_of(std::vector<float>(60, 1), kShape));
  sky.beam.reset();
  for (int channel = 0; channel < 5; ++channel) sky.beams.push_back({(2 + 0.1 * channel) / 3600, 1.5 / 3600, 20});
  sky.beams[3] = {std::numeric_limits<double>::quiet_NaN(), 1.5 / 3600, 20};
  write(sky, folder / "beams.fits");
  const SpectralCube cube = SpectralCube::read(folder / "beams.fits");
  ASSERT_EQ(cube.sky().beams.size(), 5u);
  EXPECT_NEAR(cube.sky().beams[2].major_deg * 3600, 2.2, 1e-12);
  EXPECT_FALSE(cube.sky().beams[3].is_valid());
  EXPECT_FALSE(cube.sky().beam.has_value());
  // The channel without a beam is masked.
  const auto spectrum = numbers_of(cube.reduce("mean", {"y", "x"}).data);
  for (std::size_t channel = 0; channel < 5; ++channel) EXPECT_EQ(std::isnan(spectrum[channel]), channel == 3);
  // Beams that differ: none for the image; near enough: their mean.
  EXPECT_FALSE(cube.moment(0).beam.has_value());
  EXPECT_NEAR(cube.slice({{1, 2}}).moment(0).beam->major_deg * 3600, 2.1, 1e-12);
  EXPECT_EQ(cube.slice({{4, std::nullopt, -2}}).sky().beams.size(), 3u);
  EXPECT_NEAR(cube.slice({{4, std::nullopt, -2}}).sky().beams[1].major_deg * 3600, 2.2, 1e-12);
  // Kelvin by each channel's beam.
  const auto kelvin = numbers_of(cube.to(Unit::parse("K")).data());
  EXPECT_NEAR(kelvin[0] / kelvin[48], 2.4 / 2.0 * std::pow(cube.spectral_axis()[4] / cube.spectral_axis()[0], 2), 1e-6);
  EXPECT_SAYS(error_of([&] { cube.spectral_smooth({1, 1, 1}); }), "common beam");
}

}  // namespace
}  // namespace freestone::astro
