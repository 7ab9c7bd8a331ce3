// HDF5 as it is opened: what the library made here is found again, and what somebody damaged is refused. Values against h5py: tests/cli/test_hdf5.py.
#include "freestone/formats/hdf5.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <thread>

#include "freestone/formats/hdf5_library.h"
#include "storage/temporary_folder.h"

namespace freestone::formats {
namespace {

using hdf5::Handle;
using testing_files::error_of;
using testing_files::Folder;
using testing_files::get;
using testing_files::put;

/// A file of contiguous, chunked and compact numbers with an attribute of fixed length; HDF5's own driver writes it.
void write_file(const std::string& path, bool latest) {
  const hdf5::LibraryLane lane;
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  if (latest) H5Pset_libver_bounds(access.id(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  const Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.id()), H5Fclose);
  std::vector<std::int32_t> values(99);
  std::iota(values.begin(), values.end(), 0);
  const hsize_t shape[] = {9, 11}, limits[] = {H5S_UNLIMITED, 11}, chunk[] = {4, 5};
  const Handle plain(H5Screate_simple(2, shape, nullptr), H5Sclose), growing(H5Screate_simple(2, shape, limits), H5Sclose);
  const auto add = [&](const char* name, const Handle& space, const Handle& creation) {
    const Handle dataset(H5Dcreate2(file.id(), name, H5T_STD_I32BE, space.id(), H5P_DEFAULT, creation.id(), H5P_DEFAULT), H5Dclose);
    ASSERT_GE(H5Dwrite(dataset.id(), H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
    const Handle number(H5Screate(H5S_SCALAR), H5Sclose);
    const Handle attribute(H5Acreate2(dataset.id(), "answer", H5T_STD_I16LE, number.id(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    const int answer = 42;
    H5Awrite(attribute.id(), H5T_NATIVE_INT, &answer);
  };
  const auto creation = [](auto&& set) {
    Handle out(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    set(out.id());
    return out;
  };
  add("contiguous", plain, creation([](hid_t) {}));
  add("compact", plain, creation([](hid_t p) { H5Pset_layout(p, H5D_COMPACT); }));
  for (const bool grows : {false, true}) {
    add(grows ? "growing" : "chunked", grows ? growing : plain, creation([&](hid_t p) {
          H5Pset_chunk(p, 2, chunk);
          H5Pset_shuffle(p);
          H5Pset_deflate(p, 4);
          H5Pset_fletcher32(p);
        }));
  }
}

/// All elements of a source, or an error.
std::vector<std::byte> read(const Source& source) {
  const Box box(source.spec().shape);
  std::vector<std::byte> out(static_cast<std::size_t>(source.spec().bytes()));
  if (box.empty()) return out;
  std::vector<std::byte> encoded(static_cast<std::size_t>(source.encoded_bytes(box)));
  source.fetch(box, encoded, Cancel());
  source.decode(box, encoded, View::contiguous(out.data(), source.spec().dtype, box.shape), Cancel());
  return out;
}

void expect_counting(const Contents& contents) {
  ASSERT_EQ(contents.variables.size(), 4u);
  for (const Variable& variable : contents.variables) {
    ASSERT_TRUE(variable.source) << variable.note;
    EXPECT_EQ(variable.attributes, (std::vector<Attribute>{{"answer", std::int64_t{42}, "int16"}}));
    const auto bytes = read(*variable.source);
    for (std::int32_t i = 0; i < 99; ++i) {
      std::int32_t found = 0;
      std::memcpy(&found, bytes.data() + 4 * i, 4);
      ASSERT_EQ(found, i) << variable.name;
    }
  }
}

class Hdf5 : public testing::TestWithParam<bool> {
 protected:
  Hdf5() { write_file(path_, GetParam()); }
  Folder folder_;
  const std::string path_ = folder_ / "x.h5";
};

TEST_P(Hdf5, ReadsEveryLayout) { expect_counting(open_file(path_)); }

TEST_P(Hdf5, ReadsBehindABlockOfSomebodyElse) {
  put(folder_ / "y.mat", std::string(1024, 'x') + get(path_));
  expect_counting(open_file(folder_ / "y.mat"));
}

TEST_P(Hdf5, OpensInManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) expect_counting(open_file(path_));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(Hdf5, RefusesWhatWasCutShort) {
  const std::string whole = get(path_);
  for (std::size_t keep = 0; keep < whole.size(); keep += 1 + whole.size() / 97) {
    put(folder_ / "cut.h5", whole.substr(0, keep));
    const Error error = error_of([&] { open_file(folder_ / "cut.h5"); });
    EXPECT_EQ(error.kind(), ErrorKind::kData) << keep;
    EXPECT_SAYS(error, "cut.h5");
  }
}

TEST_P(Hdf5, DamagedBytesAreErrorsOrOtherValues) {
  const std::string whole = get(path_);
  std::mt19937_64 random(99);
  for (int round = 0; round < 400; ++round) {
    std::string damaged = whole;
    for (std::uint64_t flips = 1 + random() % 4; flips > 0; --flips) damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
    put(folder_ / "damaged.h5", damaged);
    try {
      const Contents contents = open_file(folder_ / "damaged.h5");
      for (const Variable& variable : contents.variables) {
        if (variable.source && variable.source->spec().bytes() < 1 << 20) read(*variable.source);
      }
    } catch (const Error& error) {
      EXPECT_TRUE(error.kind() == ErrorKind::kData || error.kind() == ErrorKind::kUser) << round << ": " << error.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, Hdf5, testing::Bool(), [](const auto& info) { return info.param ? "Latest" : "Earliest"; });

}  // namespace
}  // namespace freestone::formats
