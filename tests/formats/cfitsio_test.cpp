// CFITSIO as the oracle: it reads what we write, and agrees on what scaled files hold.
#include <fitsio.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "freestone/core/buffer.h"
#include "freestone/formats/format.h"
#include "storage/temporary_folder.h"

namespace freestone::formats {
namespace {

using testing_files::error_of;
using testing_files::Folder;

template <class T>
std::vector<T> read_all(const std::string& path) {
  const Contents contents = open_file(path);
  const Source& source = *select_variable(contents, "").source;
  EXPECT_EQ(source.spec().dtype, dtype_of<T>());
  const Box box(source.spec().shape);
  std::vector<std::byte> encoded(static_cast<std::size_t>(source.encoded_bytes(box)));
  std::vector<T> out(static_cast<std::size_t>(box.count()));
  source.fetch(box, encoded, Cancel());
  source.decode(box, encoded, View::contiguous(out.data(), dtype_of<T>(), box.shape), Cancel());
  return out;
}

template <class T>
void expect_cfitsio_reads(int type) {
  SCOPED_TRACE(name_of(dtype_of<T>()));
  const Folder folder;
  const std::string path = folder / "ours.fits";
  std::mt19937_64 random(9);
  std::vector<T> values(7 * 11 * 13);
  for (T& v : values) v = static_cast<T>(static_cast<T>(random()) / (std::is_floating_point_v<T> ? 3 : 1));
  values[0] = std::numeric_limits<T>::max();
  values[1] = std::numeric_limits<T>::lowest();
  const Spec spec{{7, 11, 13}, dtype_of<T>()};
  Table beams;
  beams.name = "BEAMS";
  beams.columns = {{.name = "BMAJ", .unit = "arcsec", .numbers = {1, 2, 3, 4, 5, 6, 7}, .code = 'E'}};
  const auto sink = create_sink(spec, {.path = path, .attributes = {{"LONGSTR", std::string(150, 'q'), ""}, {"CRVAL3", 1.42e9, "Hz"}}, .tables = {beams}});
  sink->create();
  std::vector<std::byte> memory(static_cast<std::size_t>(sink->scratch_bytes(Box(spec.shape))));
  Scratch scratch(memory);
  sink->write(Box(spec.shape), View::contiguous(values.data(), spec.dtype, spec.shape), scratch, Cancel());
  sink->finish();

  fitsfile* file = nullptr;
  int status = 0, any_null = 0, rank = 0, hdus = 0;
  long axes[3] = {};
  fits_open_file(&file, path.c_str(), READONLY, &status);
  fits_get_num_hdus(file, &hdus, &status);
  fits_get_img_dim(file, &rank, &status);
  fits_get_img_size(file, 3, axes, &status);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(hdus, 2);
  EXPECT_EQ(rank, 3);
  EXPECT_EQ(axes[0], 13);
  EXPECT_EQ(axes[2], 7);
  std::vector<T> back(values.size());
  fits_read_img(file, type, 1, static_cast<LONGLONG>(back.size()), nullptr, back.data(), &any_null, &status);
  char* text = nullptr;
  fits_read_key_longstr(file, "LONGSTR", &text, nullptr, &status);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(std::string(text), std::string(150, 'q'));
  fits_free_memory(text, &status);
  EXPECT_EQ(back, values);
  float major[7] = {};
  char extension[] = "BEAMS";
  fits_movnam_hdu(file, BINARY_TBL, extension, 0, &status);
  fits_read_col(file, TFLOAT, 1, 1, 1, 7, nullptr, major, &any_null, &status);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(major[6], 7.0f);
  fits_close_file(file, &status);

  EXPECT_EQ(read_all<T>(path), values);
}

TEST(Cfitsio, ReadsWhatWeWriteOfEveryType) {
  expect_cfitsio_reads<std::uint8_t>(TBYTE);
  expect_cfitsio_reads<std::int8_t>(TSBYTE);
  expect_cfitsio_reads<std::int16_t>(TSHORT);
  expect_cfitsio_reads<std::uint16_t>(TUSHORT);
  expect_cfitsio_reads<std::int32_t>(TINT);
  expect_cfitsio_reads<std::uint32_t>(TUINT);
  expect_cfitsio_reads<std::int64_t>(TLONGLONG);
  expect_cfitsio_reads<std::uint64_t>(TULONGLONG);
  expect_cfitsio_reads<float>(TFLOAT);
  expect_cfitsio_reads<double>(TDOUBLE);
}

/// A file that CFITSIO makes of raw stored integers, with scaling said afterwards.
template <class T>
void make_scaled(const std::string& path, int bitpix, int type, std::vector<T> stored, double scale, double zero, bool has_blank, long blank) {
  fitsfile* file = nullptr;
  int status = 0;
  long axes[2] = {static_cast<long>(stored.size()) / 2, 2};
  fits_create_file(&file, path.c_str(), &status);
  fits_create_img(file, bitpix, 2, axes, &status);
  fits_write_img(file, type, 1, static_cast<LONGLONG>(stored.size()), stored.data(), &status);
  fits_write_key(file, TDOUBLE, "BSCALE", &scale, nullptr, &status);
  fits_write_key(file, TDOUBLE, "BZERO", &zero, nullptr, &status);
  if (has_blank) fits_write_key(file, TLONG, "BLANK", &blank, nullptr, &status);
  fits_close_file(file, &status);
  ASSERT_EQ(status, 0);
}

template <class T>
std::vector<T> cfitsio_reads(const std::string& path, int type, std::size_t n) {
  std::vector<T> out(n);
  fitsfile* file = nullptr;
  int status = 0, any_null = 0;
  T nan = std::numeric_limits<T>::quiet_NaN();
  fits_open_file(&file, path.c_str(), READONLY, &status);
  fits_read_img(file, type, 1, static_cast<LONGLONG>(n), &nan, out.data(), &any_null, &status);
  fits_close_file(file, &status);
  EXPECT_EQ(status, 0);
  return out;
}

template <class Stored, class Out>
void expect_same_scaling(int bitpix, int stored_type, int out_type, double scale, double zero, bool has_blank, Stored blank) {
  SCOPED_TRACE(fmt::format("BITPIX {} BSCALE {} BZERO {} BLANK {}", bitpix, scale, zero, has_blank));
  const Folder folder;
  std::mt19937_64 random(11);
  std::vector<Stored> stored(3000);
  for (Stored& v : stored) v = static_cast<Stored>(random() >> (sizeof(Stored) == 8 ? 12 : 0));
  for (std::size_t i = 0; i < stored.size(); i += 7) stored[i] = blank;
  make_scaled(folder / "s.fits", bitpix, stored_type, stored, scale, zero, has_blank, static_cast<long>(blank));
  const auto ours = read_all<Out>(folder / "s.fits");
  const auto theirs = cfitsio_reads<Out>(folder / "s.fits", out_type, stored.size());
  ASSERT_EQ(ours.size(), theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (has_blank && i % 7 == 0) {
      ASSERT_TRUE(std::isnan(ours[i])) << i;
    }
    ASSERT_TRUE(ours[i] == theirs[i] || (std::isnan(ours[i]) && std::isnan(theirs[i]))) << i << ": " << ours[i] << " " << theirs[i];
  }
}

TEST(Cfitsio, AgreesOnScaledAndBlankPixels) {
  expect_same_scaling<std::int16_t, float>(SHORT_IMG, TSHORT, TFLOAT, 0.1, 5, false, 0);
  expect_same_scaling<std::int16_t, float>(SHORT_IMG, TSHORT, TFLOAT, 0.1, 5, true, -32768);
  expect_same_scaling<std::int16_t, float>(SHORT_IMG, TSHORT, TFLOAT, 1, 0, true, 77);
  expect_same_scaling<std::int16_t, float>(SHORT_IMG, TSHORT, TFLOAT, 1, 32768, true, -32768);
  expect_same_scaling<std::uint8_t, float>(BYTE_IMG, TBYTE, TFLOAT, -2.5, 1e3, true, 255);
  expect_same_scaling<std::int32_t, double>(LONG_IMG, TINT, TDOUBLE, 1e-3, 0.7, true, -2147483647);
  expect_same_scaling<std::int64_t, double>(LONGLONG_IMG, TLONGLONG, TDOUBLE, 3, -1, true, -5);
  expect_same_scaling<float, float>(FLOAT_IMG, TFLOAT, TFLOAT, 2, 1, false, 1.5f);
  expect_same_scaling<double, double>(DOUBLE_IMG, TDOUBLE, TDOUBLE, 0.3, 1, false, 1.5);
}

}  // namespace
}  // namespace freestone::formats
