// What every format that writes must do, whichever it is.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <random>
#include <thread>

#include "freestone/core/buffer.h"
#include "freestone/formats/format.h"
#include "storage/temporary_folder.h"

namespace freestone::formats {
namespace {

using testing_files::error_of;
using testing_files::Folder;
using testing_files::get;
using testing_files::put;
using Random = std::mt19937_64;

constexpr DType kAllTypes[] = {DType::kBool,   DType::kInt8,   DType::kInt16,  DType::kInt32,   DType::kInt64,   DType::kUint8,    DType::kUint16,
                               DType::kUint32, DType::kUint64, DType::kFloat32, DType::kFloat64, DType::kComplex64, DType::kComplex128};

Index pick(Random& random, Index low, Index high) { return std::uniform_int_distribution<Index>(low, high)(random); }

/// An array in memory with random bits, NaN payloads included.
struct Oracle {
  Spec spec;
  std::vector<std::byte> bytes;
  Oracle(Spec s, Random& random) : spec(s), bytes(static_cast<std::size_t>(s.bytes())) {
    for (auto& b : bytes) b = static_cast<std::byte>(spec.dtype == DType::kBool ? random() & 1 : random());
  }
  View view() { return View::contiguous(bytes.data(), spec.dtype, spec.shape); }
};

std::vector<std::byte> contents_of(const View& view) {
  std::vector<std::byte> out(static_cast<std::size_t>(view.bytes()));
  copy(view, View::contiguous(out.data(), view.dtype, view.shape));
  return out;
}

/// Writes in random tiles, in random order, from three threads; every other tile from memory that is not contiguous.
void write_in_tiles(Sink& sink, Oracle& oracle, Random& random) {
  const Shape& shape = oracle.spec.shape;
  Shape tile(shape.rank());
  for (int k = 0; k < shape.rank(); ++k) tile[k] = pick(random, 1, std::max<Index>(shape[k], 1));
  const ChunkGrid grid(shape, tile);
  std::vector<Index> order(static_cast<std::size_t>(grid.count()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Index>(i);
  std::shuffle(order.begin(), order.end(), random);
  const auto work = [&](std::size_t lane) {
    for (std::size_t i = lane; i < order.size(); i += 3) {
      const Box box = grid.box(order[i]);
      const View part = oracle.view().part(box);
      auto copied = contents_of(part);
      const View own = View::contiguous(copied.data(), part.dtype, part.shape);
      std::vector<std::byte> memory(static_cast<std::size_t>(sink.scratch_bytes(box)));
      Scratch scratch(memory);
      sink.write(box, i % 2 == 0 ? part : own, scratch, Cancel());
    }
  };
  std::thread a(work, 0), b(work, 1);
  work(2);
  a.join();
  b.join();
}

void expect_box(const Source& source, Oracle& oracle, const Box& box, bool in_place) {
  std::vector<std::byte> encoded(static_cast<std::size_t>(source.encoded_bytes(box))), decoded(static_cast<std::size_t>(box.count() * size_of(source.spec().dtype)));
  if (!box.empty()) source.fetch(box, encoded, Cancel());
  in_place = in_place && source.decodes_in_place();
  std::byte* to = in_place ? encoded.data() : decoded.data();
  if (!box.empty()) source.decode(box, encoded, View::contiguous(to, source.spec().dtype, box.shape), Cancel());
  const auto expected = contents_of(oracle.view().part(box));
  if (box.empty()) return;
  ASSERT_EQ(std::memcmp(to, expected.data(), expected.size()), 0) << to_string(box) << " of " << to_string(oracle.spec.shape);
}

Box random_box(Random& random, const Shape& shape) {
  Box box(shape);
  for (int k = 0; k < shape.rank(); ++k) {
    if (shape[k] == 0 || pick(random, 0, 2) == 0) continue;
    box.start[k] = pick(random, 0, shape[k] - 1);
    box.shape[k] = pick(random, 1, shape[k] - box.start[k]);
  }
  return box;
}

/// The contents of a file; of a folder those of every file in it, with their names.
std::string contents_at(const std::string& path) {
  namespace stdfs = std::filesystem;
  if (!stdfs::is_directory(path)) return get(path);
  std::vector<std::string> names;
  for (const auto& entry : stdfs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) names.push_back(entry.path().string());
  }
  std::sort(names.begin(), names.end());
  std::string out;
  for (const std::string& name : names) out += name.substr(path.size()) + "\n" + get(name) + "\n";
  return out;
}

class EveryFormat : public testing::TestWithParam<std::string> {
 protected:
  std::string suffix() const {
    for (const FormatInfo& info : formats()) {
      if (info.name == GetParam()) return info.suffixes.front();
    }
    return "";
  }
  bool is_tiff() const { return GetParam() == "geotiff" || GetParam() == "cog"; }
  /// A layout of a format is that format when it is read.
  std::string read_format() const { return is_tiff() ? "geotiff" : GetParam(); }
  std::string path(const std::string& stem = "out") const { return folder_ / (stem + suffix()); }
  /// The file that says what the output is: itself, or one in a folder.
  std::string described_by(const std::string& path) const {
    if (GetParam() == "casa") return path + "/table.dat";
    return GetParam() == "zarr" ? path + "/zarr.json" : path;
  }
  bool holds(const Spec& spec) const {
    if (GetParam() == "fits") return spec.shape.rank() > 0 && !is_complex(spec.dtype);
    // An axis of length 0 is the record dimension of netCDF-3: the first.
    if (GetParam() == "netcdf3") return !is_complex(spec.dtype) && std::count(spec.shape.begin() + std::min(1, spec.shape.rank()), spec.shape.end(), 0) == 0;
    if (is_tiff()) return (spec.shape.rank() == 2 || spec.shape.rank() == 3) && element_count(spec.shape) > 0;
    if (GetParam() == "casa") return spec.shape.rank() > 0 && element_count(spec.shape) > 0 && (is_floating(spec.dtype) || is_complex(spec.dtype));
    if (GetParam() == "netcdf4") return !is_complex(spec.dtype);
    return true;
  }
  /// A bool has no type of its own in FITS, TIFF and netCDF.
  DType read_as(DType dtype) const {
    if (dtype != DType::kBool) return dtype;
    if (GetParam() == "netcdf3" || GetParam() == "netcdf4") return DType::kInt8;
    return GetParam() == "fits" || is_tiff() ? DType::kUint8 : dtype;
  }
  void write_small(const std::string& to, bool overwrite = false) {
    Oracle oracle({{4, 5}, DType::kFloat32}, random_);
    const auto sink = create_sink(oracle.spec, {.path = to, .format = GetParam(), .overwrite = overwrite});
    sink->create();
    write_in_tiles(*sink, oracle, random_);
    sink->finish();
  }

  Folder folder_;
  Random random_{4711};
};

TEST_P(EveryFormat, GivesBackRandomBoxesOfWhatWasWritten) {
  for (const DType dtype : kAllTypes) {
    for (int trial = 0; trial < 12; ++trial) {
      const int rank = trial < 2 ? trial : static_cast<int>(pick(random_, 1, 5));
      Shape shape(rank);
      for (Index& n : shape) n = pick(random_, trial == 5 ? 0 : 1, rank < 3 ? 120 : 12);
      const Spec spec{shape, dtype};
      const WriteRequest request{.path = path(), .format = GetParam(), .overwrite = true};
      if (!holds(spec)) {
        EXPECT_EQ(error_of([&] { create_sink(spec, request); }).kind(), ErrorKind::kUser);
        continue;
      }
      Oracle oracle(spec, random_);
      const auto sink = create_sink(spec, request);
      EXPECT_EQ(sink->spec(), spec);
      sink->create();
      write_in_tiles(*sink, oracle, random_);
      sink->finish();

      const Contents contents = open_file(path());
      EXPECT_EQ(contents.format, read_format());
      const Source& source = *select_variable(contents, "").source;
      ASSERT_EQ(source.spec().shape, shape);
      ASSERT_EQ(source.spec().dtype, read_as(dtype)) << name_of(dtype);
      oracle.spec.dtype = read_as(dtype);
      expect_box(source, oracle, Box(shape), true);
      for (int b = 0; b < 5; ++b) expect_box(source, oracle, random_box(random_, shape), b % 2 == 0);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_EQ(folder_.entries(), 1u);
}

TEST_P(EveryFormat, TwoRunsGiveTheSameBytes) {
  // Compressed chunks of TIFF lie in the order in which they were finished; the elements are the same (DESIGN: Same bits everywhere).
  const bool in_any_order = GetParam() == "geotiff";
  for (const char* name : {"a", "b"}) {
    Random random(5);
    Oracle oracle({{30, 40}, DType::kFloat64}, random);
    WriteRequest request{.path = path(name), .format = GetParam()};
    if (in_any_order) request.packing.compressor = "none";
    const auto sink = create_sink(oracle.spec, request);
    sink->create();
    write_in_tiles(*sink, oracle, name[0] == 'a' ? random : random_);
    sink->finish();
  }
  EXPECT_EQ(contents_at(path("a")), contents_at(path("b")));
}

TEST_P(EveryFormat, TouchesNothingBeforeCreate) {
  const auto sink = create_sink({{4, 5}, DType::kFloat32}, {.path = path(), .format = GetParam()});
  EXPECT_EQ(folder_.entries(), 0u);
  sink->abort();
}

TEST_P(EveryFormat, HasNoFinalNameBeforeFinishAndLeavesNothingWhenAborted) {
  const auto sink = create_sink({{4, 5}, DType::kFloat32}, {.path = path(), .format = GetParam()});
  sink->create();
  EXPECT_FALSE(std::filesystem::exists(path()));
  sink->abort();
  sink->abort();
  EXPECT_EQ(folder_.entries(), 0u);
}

TEST_P(EveryFormat, AnAbortedOverwriteLeavesTheOldFile) {
  put(path(), "old");
  const auto sink = create_sink({{4, 5}, DType::kFloat32}, {.path = path(), .format = GetParam(), .overwrite = true});
  sink->create();
  sink->abort();
  EXPECT_EQ(get(path()), "old");
  EXPECT_EQ(folder_.entries(), 1u);
}

TEST_P(EveryFormat, RefusesToOverwriteUnlessAsked) {
  put(path(), "old");
  const Error error = error_of([&] { write_small(path()); });
  EXPECT_EQ(error.kind(), ErrorKind::kUser);
  EXPECT_SAYS(error, "--overwrite");
  EXPECT_EQ(get(path()), "old");
  write_small(path(), true);
  EXPECT_EQ(open_file(path()).format, read_format());
}

TEST_P(EveryFormat, ASecondWriterToOneNameIsRefused) {
  const WriteRequest request{.path = path(), .format = GetParam()};
  const auto first = create_sink({{4, 5}, DType::kFloat32}, request), second = create_sink({{4, 5}, DType::kFloat32}, request);
  first->create();
  EXPECT_EQ(error_of([&] { second->create(); }).kind(), ErrorKind::kUser);
}

TEST_P(EveryFormat, ReplacesTheTemporaryOfAKilledRun) {
  const pid_t child = fork();
  if (child == 0) {
    const auto sink = create_sink({{400, 500}, DType::kFloat32}, {.path = path(), .format = GetParam()});
    sink->create();
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_EQ(folder_.entries(), 1u);
  EXPECT_FALSE(std::filesystem::exists(path()));
  write_small(path());
  EXPECT_EQ(folder_.entries(), 1u);
}

TEST_P(EveryFormat, AFullDiskIsAClearErrorBeforeAnythingIsWritten) {
  const Error error = error_of([&] { create_sink({{Index{1} << 28, Index{1} << 28}, DType::kFloat32}, {.path = path(), .format = GetParam()})->create(); });
  EXPECT_EQ(error.kind(), ErrorKind::kIo);
  EXPECT_SAYS(error, "needs");
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{8192, 8192};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      // A compressed output shows its size only when it is written.
      Oracle oracle({{100, 100}, DType::kFloat32}, random_);
      const auto sink = create_sink(oracle.spec, {.path = path(), .format = GetParam()});
      sink->create();
      std::vector<std::byte> memory(static_cast<std::size_t>(sink->scratch_bytes(Box(oracle.spec.shape))));
      Scratch scratch(memory);
      sink->write(Box(oracle.spec.shape), oracle.view(), scratch, Cancel());
    } catch (const Error& e) {
      _exit(e.kind() == ErrorKind::kIo && std::string(e.what()).find("ulimit") != std::string::npos ? 0 : 1);
    }
    _exit(2);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(folder_.entries(), 0u);
}

TEST_P(EveryFormat, SaysWhereTheFileWasCutShort) {
  write_small(path());
  const std::string file = described_by(path()), whole = get(file);
  for (const std::size_t keep : {std::size_t{0}, std::size_t{5}, std::size_t{70}, whole.size() / 2}) {
    put(file, whole.substr(0, keep));
    const Error error = error_of([&] { open_file(path()); });
    EXPECT_EQ(error.kind(), ErrorKind::kData) << keep;
    EXPECT_SAYS(error, path());
  }
}

TEST_P(EveryFormat, ReferenceAndIdentityFindTheFileAgain) {
  write_small(path());
  const Contents contents = open_file(path());
  const Source& source = *select_variable(contents, "").source;
  EXPECT_NE(source.reference().find(path()), std::string::npos) << source.reference();
  EXPECT_EQ(source.identity().path, path());
  EXPECT_EQ(source.identity().bytes, static_cast<Index>(get(described_by(path())).size()));
  EXPECT_GT(source.identity().modified_ns, 0);
}

std::vector<std::string> writable() {
  std::vector<std::string> names;
  for (const FormatInfo& info : formats()) {
    if (info.can_write) names.push_back(info.name);
  }
  return names;
}
INSTANTIATE_TEST_SUITE_P(Formats, EveryFormat, testing::ValuesIn(writable()), [](const auto& info) { return info.param; });

TEST(OpenFile, ListsTheFormatsItKnows) {
  const Folder folder;
  put(folder / "x.dat", "nothing that is known");
  const Error error = error_of([&] { open_file(folder / "x.dat"); });
  EXPECT_EQ(error.kind(), ErrorKind::kUser);
  EXPECT_SAYS(error, "fits (.fits, .fit, .fts, .fz)");
  EXPECT_SAYS(error, "npy");
  EXPECT_EQ(error_of([&] { open_file(folder / "none.fits"); }).kind(), ErrorKind::kIo);
}

TEST(CreateSink, SuggestsFormats) {
  EXPECT_SAYS(error_of([&] { create_sink({{2}, DType::kFloat32}, {.path = "x.jpg"}); }), "fits (.fits");
  EXPECT_SAYS(error_of([&] { create_sink({{2}, DType::kFloat32}, {.path = "x", .format = "fitz"}); }), "Did you mean 'fits'");
  EXPECT_SAYS(error_of([&] { create_sink({{2}, DType::kFloat32}, {.path = "x.gz"}); }), "Freestone writes");
}

TEST(SplitSelector, TakesBracketsUnlessAFileIsSoNamed) {
  const Folder folder;
  EXPECT_EQ(split_selector("cube.fits[DATA]").path, "cube.fits");
  EXPECT_EQ(split_selector("cube.fits[DATA,2]").selector, "DATA,2");
  EXPECT_EQ(split_selector("cube.fits").selector, "");
  EXPECT_EQ(split_selector("cube.fits[]").path, "cube.fits[]");
  EXPECT_EQ(split_selector("[1]").path, "[1]");
  put(folder / "a[1]", "x");
  EXPECT_EQ(split_selector(folder / "a[1]").path, folder / "a[1]");
}

}  // namespace
}  // namespace freestone::formats
