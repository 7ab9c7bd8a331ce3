// Tile-compressed FITS: files of ours, damaged. That astropy and CFITSIO read and write the same is tests/cli/test_fits_tiles.py.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>

#include "freestone/formats/format.h"
#include "storage/temporary_folder.h"

namespace freestone::formats {
namespace {

using testing_files::Folder;
using testing_files::get;
using testing_files::put;

std::string written(const std::string& path, const Spec& spec, const char* compressor, std::vector<std::byte>& data) {
  WriteRequest request{.path = path, .overwrite = true};
  request.packing.compressor = compressor;
  const auto sink = create_sink(spec, request);
  sink->create();
  std::vector<std::byte> memory(static_cast<std::size_t>(sink->scratch_bytes(Box(spec.shape))));
  Scratch scratch(memory);
  sink->write(Box(spec.shape), View::contiguous(data.data(), spec.dtype, spec.shape), scratch, Cancel());
  sink->finish();
  return get(path);
}

std::vector<std::byte> read(const Source& source) {
  const Box box(source.spec().shape);
  std::vector<std::byte> encoded(static_cast<std::size_t>(source.encoded_bytes(box))), out(static_cast<std::size_t>(source.spec().bytes()));
  source.fetch(box, encoded, Cancel());
  source.decode(box, encoded, View::contiguous(out.data(), source.spec().dtype, box.shape), Cancel());
  return out;
}

TEST(FitsTiles, GivesBackRandomBitsOfEveryType) {
  const Folder folder;
  std::mt19937_64 random(20261128);
  for (const char* compressor : {"rice", "gzip"}) {
    for (const DType dtype : {DType::kUint8, DType::kInt8, DType::kInt16, DType::kUint16, DType::kInt32, DType::kUint32, DType::kInt64, DType::kFloat32, DType::kFloat64}) {
      const bool is_rice = compressor[0] == 'r';
      if (is_rice && (is_floating(dtype) || size_of(dtype) == 8)) continue;
      const Spec spec{{3, 37, 41}, dtype};
      std::vector<std::byte> data(static_cast<std::size_t>(spec.bytes()));
      // Runs, and what does not compress at all.
      for (std::size_t i = 0; i < data.size(); ++i) data[i] = i / 997 % 2 == 0 ? static_cast<std::byte>(random()) : std::byte{7};
      written(folder / "a.fits", spec, compressor, data);
      const Contents contents = open_file(folder / "a.fits");
      const Source& source = *select_variable(contents, "").source;
      ASSERT_EQ(source.spec(), spec);
      EXPECT_EQ(std::memcmp(read(source).data(), data.data(), data.size()), 0) << compressor << " " << name_of(dtype);
    }
  }
}

TEST(FitsTiles, AnyMutationIsReadOrRefusedClearly) {
  const char* asked = std::getenv("FREESTONE_FUZZ_ROUNDS");
  const long rounds = asked != nullptr ? std::atol(asked) : 1500;
  const Folder folder;
  std::mt19937_64 random(20261127);
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  std::vector<std::string> seeds;
  for (const char* compressor : {"rice", "gzip"}) {
    const Spec spec{{4, 30, 40}, DType::kInt16};
    std::vector<std::byte> data(static_cast<std::size_t>(spec.bytes()));
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i % 2 == 0 ? random() : 1);
    seeds.push_back(written(folder / "seed.fits", spec, compressor, data));
  }
  // The same tiles said to be of other kinds.
  for (const char* kind : {"HCOMPRESS_1", "PLIO_1     ", "NOCOMPRESS "}) {
    std::string other = seeds[0];
    const std::size_t at = other.find("RICE_1");
    ASSERT_NE(at, std::string::npos);
    std::string card = "ZCMPTYPE= '" + std::string(kind) + "'";
    card.resize(80, ' ');
    other.replace(at - 11, 80, card);
    seeds.push_back(other);
  }
  for (long i = 0; i < rounds; ++i) {
    std::string bytes = seeds[pick(seeds.size())];
    for (std::size_t times = 1 + pick(4); times > 0; --times) {
      switch (pick(4)) {
        case 0: bytes[2880 + pick(2880)] = "0123456789-ET' "[pick(15)]; break;
        case 1: bytes[pick(bytes.size())] = static_cast<char>(random()); break;
        case 2: bytes[5760 + pick(bytes.size() - 5760)] = static_cast<char>(random()); break;
        default: bytes.resize(5760 + pick(bytes.size() - 5760) + 1); break;
      }
    }
    put(folder / "x.fits", bytes);
    try {
      const Contents contents = open_file(folder / "x.fits");
      for (const Variable& variable : contents.variables) {
        if (!variable.source || variable.source->spec().bytes() > 1 << 20) continue;
        if (variable.source->encoded_bytes(Box(variable.source->spec().shape)) < 1 << 26) read(*variable.source);
      }
    } catch (const Error& error) {
      EXPECT_TRUE(error.kind() == ErrorKind::kData || error.kind() == ErrorKind::kUser) << error.what();
    }
  }
}

}  // namespace
}  // namespace freestone::formats
