// Sources and sinks of the room storage against arrays in memory, and files under faults.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <random>
#include <thread>

#include "freestone/storage/manifest_source.h"
#include "freestone/storage/memory_store.h"
#include "freestone/storage/output_file.h"
#include "freestone/storage/raw_sink.h"
#include "freestone/storage/runs.h"
#include "freestone/storage/temp_store.h"
#include "storage/temporary_folder.h"

namespace freestone {
namespace {

using testing_files::error_of;
using testing_files::Folder;
using testing_files::get;
using testing_files::put;
namespace stdfs = std::filesystem;

using Random = std::mt19937_64;

Index pick(Random& random, Index low, Index high) { return std::uniform_int_distribution<Index>(low, high)(random); }

Box random_box(Random& random, const Shape& shape) {
  Box box(shape);
  for (int k = 0; k < shape.rank(); ++k) {
    if (pick(random, 0, 2) == 0) continue;  // whole axes make long runs
    box.start[k] = pick(random, 0, shape[k] - 1);
    box.shape[k] = pick(random, 1, shape[k] - box.start[k]);
  }
  return box;
}

/// Element number (C order) of a position.
Index number_of(const Dims& position, const Shape& shape) {
  Index n = 0;
  for (int k = 0; k < shape.rank(); ++k) n = n * shape[k] + position[k];
  return n;
}

/// Reads a box of an int32 array whose elements are their own numbers, and looks at each.
void expect_numbers(const Source& source, const Box& box, bool strided) {
  const Cancel cancel;
  std::vector<std::byte> encoded(static_cast<std::size_t>(source.encoded_bytes(box)));
  source.fetch(box, encoded, cancel);
  std::vector<std::int32_t> memory(static_cast<std::size_t>(box.count() * 3), -1);
  View out = View::contiguous(memory.data(), DType::kInt32, box.shape);
  if (strided) {
    for (Index& stride : out.strides) stride *= 3;
  } else if (source.decodes_in_place()) {
    out = View::contiguous(encoded.data(), DType::kInt32, box.shape);
  }
  source.decode(box, encoded, out, cancel);
  Dims at(box.rank());
  for (Index i = 0; i < box.count(); ++i) {
    Index rest = i;
    Dims position(box.rank());
    const std::byte* data = out.data;
    for (int k = box.rank() - 1; k >= 0; --k) {
      position[k] = box.start[k] + rest % box.shape[k];
      data += rest % box.shape[k] * out.strides[k];
      rest /= box.shape[k];
    }
    std::int32_t value;
    std::memcpy(&value, data, 4);
    ASSERT_EQ(value, number_of(position, source.spec().shape)) << to_string(box) << " of " << to_string(source.spec().shape);
  }
}

TEST(SwapBytes, ReversesEveryWidthInPlaceAndApartAtAnyAddress) {
  Random random(1);
  for (const int width : {1, 2, 4, 8}) {
    for (int n : {0, 1, 7, 64, 1001}) {
      std::vector<std::byte> from(static_cast<std::size_t>(n * width + 3)), to(from.size());
      for (auto& b : from) b = static_cast<std::byte>(random());
      swap_bytes(from.data() + 3, to.data() + 1, n, width);
      for (int i = 0; i < n * width; ++i) {
        ASSERT_EQ(to[static_cast<std::size_t>(1 + i)], from[static_cast<std::size_t>(3 + i / width * width + width - 1 - i % width)]);
      }
      auto here = from;
      swap_bytes(here.data() + 3, here.data() + 3, n, width);
      EXPECT_EQ(std::memcmp(here.data() + 3, to.data() + 1, static_cast<std::size_t>(n * width)), 0);
    }
  }
}

TEST(ElementTransform, ScalesInDoubleAndTurnsBlanksIntoNaN) {
  const std::int16_t stored[] = {0x0100, static_cast<std::int16_t>(0x0080), -1, 3};  // big-endian 1, -32768, -1, 768
  const ElementTransform t{
      .stored = DType::kInt16, .order = ByteOrder::kBig, .dtype = DType::kFloat32, .scales = true, .scale = 0.1, .offset = 7, .blank = -32768};
  float out[4];
  t.decode(reinterpret_cast<const std::byte*>(stored), reinterpret_cast<std::byte*>(out), 4);
  EXPECT_EQ(out[0], static_cast<float>(1 * 0.1 + 7));
  EXPECT_TRUE(std::isnan(out[1]));
  EXPECT_EQ(out[2], static_cast<float>(-1 * 0.1 + 7));
  EXPECT_EQ(out[3], static_cast<float>(768 * 0.1 + 7));
}

TEST(ElementTransform, ABlankThatTheStoredTypeCannotHoldMeansNothing) {
  const std::uint8_t stored[] = {0, 44, 255};
  const ElementTransform t{.stored = DType::kUint8, .dtype = DType::kFloat32, .scales = true, .blank = 300};
  float out[3];
  t.decode(reinterpret_cast<const std::byte*>(stored), reinterpret_cast<std::byte*>(out), 3);
  EXPECT_EQ(out[0], 0);
  EXPECT_EQ(out[1], 44);
  EXPECT_EQ(out[2], 255);
}

TEST(ElementTransform, UnsignedNumbersAreExactBothWays) {
  const ElementTransform t{.stored = DType::kInt64, .order = ByteOrder::kBig, .dtype = DType::kUint64, .flips_sign = true};
  std::vector<std::uint64_t> values(3000), back(3000);
  Random random(2);
  for (auto& v : values) v = random();
  values[0] = 0, values[1] = ~0ull, values[2] = 1ull << 63;
  std::vector<std::byte> stored(values.size() * 8);
  t.encode(reinterpret_cast<const std::byte*>(values.data()), stored.data(), 3000);
  EXPECT_EQ(stored[0], std::byte{0x80});  // 0 is stored as -2^63, big-endian
  EXPECT_EQ(stored[16], std::byte{0});
  t.decode(stored.data(), reinterpret_cast<std::byte*>(back.data()), 3000);
  EXPECT_EQ(values, back);
}

TEST(Runs, WholeInnerAxesAreOneRun) {
  const Runs runs = runs_of(Box({0, 16, 0}, {512, 16, 768}), {512, 768, 768}, {512, 16, 768}, 4, true);
  EXPECT_EQ(runs.row_bytes, 16 * 768 * 4);
  EXPECT_EQ(runs.groups, 512);
  EXPECT_EQ(runs.rows_in_group, 1);
}

TEST(Runs, SmallGapsAreReadOverWhenItPaysAndLargeOnesAreNot) {
  EXPECT_EQ(runs_of(Box({0, 0}, {100, 64}), {100, 128}, {100, 64}, 4, true).groups, 1);
  EXPECT_EQ(runs_of(Box({0, 0}, {100, 64}), {100, 128}, {100, 64}, 4, false).groups, 100);
  EXPECT_EQ(runs_of(Box({0, 0}, {100, 20000}), {100, 36000}, {100, 20000}, 4, true).groups, 1);   // 80 KB wanted, gaps of 64 KB
  EXPECT_EQ(runs_of(Box({0, 0}, {100, 2000}), {100, 18000}, {100, 2000}, 4, true).groups, 100);   // 8 KB wanted, gaps of 64 KB
  EXPECT_EQ(runs_of(Box({0, 0}, {100, 90000}), {100, 180000}, {100, 90000}, 4, true).groups, 100);
}

TEST(ManifestSource, ReadsRandomBoxesOfContiguousAndChunkedFiles) {
  const Folder folder;
  const auto seed = 20240u;
  Random random(seed);
  SCOPED_TRACE(seed);
  for (int trial = 0; trial < 60; ++trial) {
    const int rank = static_cast<int>(pick(random, 0, 4));
    Shape shape(rank), chunk(rank);
    for (int k = 0; k < rank; ++k) {
      shape[k] = pick(random, 1, rank < 3 ? 300 : 25);
      chunk[k] = pick(random, 1, shape[k] + 2);
    }
    const bool contiguous = trial % 3 == 0, cut = trial % 2 == 0, big = trial % 4 < 2;
    const ChunkGrid grid = contiguous ? ChunkGrid::contiguous(shape) : ChunkGrid(shape, chunk);
    std::string bytes(7, 'x');
    Manifest m;
    for (Index c = 0; c < grid.count(); ++c) {
      const Box box = grid.box(c);
      const Shape stored = cut || contiguous ? box.shape : grid.chunk();
      m.chunks.push_back({0, static_cast<Index>(bytes.size()), element_count(stored) * 4});
      for (Index i = 0; i < element_count(stored); ++i) {
        Dims at(rank);
        Index rest = i;
        for (int k = rank - 1; k >= 0; --k) {
          at[k] = box.start[k] + rest % stored[k];
          rest /= stored[k];
        }
        auto value = static_cast<std::uint32_t>(number_of(at, shape));
        if (big) value = __builtin_bswap32(value);
        bytes.append(reinterpret_cast<const char*>(&value), 4);
      }
    }
    const std::string path = folder / "data";
    put(path, bytes);
    m.files = {File::open(path)};
    m.grid = grid;
    m.edge_chunks_are_cut = cut || contiguous;
    m.transform = {.stored = DType::kInt32, .order = big ? ByteOrder::kBig : ByteOrder::kLittle, .dtype = DType::kInt32};
    const ManifestSource source(std::move(m));
    for (int b = 0; b < 8; ++b) {
      const Box box = random_box(random, shape);
      expect_numbers(source, box, b % 2 == 1);
      const ReadCost cost = source.cost(box);
      EXPECT_GE(cost.bytes, box.count() * 4);
      EXPECT_GE(cost.requests, 1);
      if (contiguous && box == Box(shape)) { EXPECT_EQ(cost.bytes, box.count() * 4); }
      if (HasFatalFailure()) return;
    }
  }
}

TEST(ManifestSource, SplitsLargeRequestsAndReadsOverManyGaps) {
  const Folder folder;
  const Shape shape{3, 1500, 2000};  // 36 MB
  std::vector<std::int32_t> numbers(static_cast<std::size_t>(element_count(shape)));
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int32_t>(i);
  put(folder / "data", std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * 4));
  const ManifestSource source(
      contiguous_manifest(File::open(folder / "data"), 0, shape, {.stored = DType::kInt32, .dtype = DType::kInt32}, "{}"));
  expect_numbers(source, Box(shape), false);
  expect_numbers(source, Box({0, 0, 100}, {3, 1500, 1700}), false);
  expect_numbers(source, Box({1, 3, 0}, {1, 1400, 3}), true);
  EXPECT_EQ(source.cost(Box(shape)).requests, 5);
}

TEST(ManifestSource, AbsentChunksAreFill) {
  const Folder folder;
  put(folder / "data", std::string(8, '\1'));
  Manifest m;
  m.files = {File::open(folder / "data")};
  m.grid = ChunkGrid({4}, {2});
  m.chunks = {{ChunkRef::kAbsent, 0, 0}, {0, 0, 8}};
  m.transform = {.stored = DType::kInt32, .dtype = DType::kInt32};
  m.fill = {std::byte{9}, std::byte{0}, std::byte{0}, std::byte{0}};
  const ManifestSource source(std::move(m));
  std::int32_t out[4];
  source.fetch(Box(Shape{4}), std::as_writable_bytes(std::span(out)), Cancel());
  EXPECT_EQ(out[0], 9);
  EXPECT_EQ(out[1], 9);
  EXPECT_EQ(out[3], 0x01010101);
}

TEST(ManifestSource, RefusesChunksOutsideTheFile) {
  const Folder folder;
  put(folder / "data", std::string(15, '\1'));
  const auto file = File::open(folder / "data");
  const ElementTransform t{.stored = DType::kInt32, .dtype = DType::kInt32};
  const Error outside = error_of([&] { ManifestSource(contiguous_manifest(file, 0, {4}, t, "{}")); });
  EXPECT_EQ(outside.kind(), ErrorKind::kData);
  EXPECT_SAYS(outside, "16");
}

TEST(ManifestSource, SaysWhenTheFileChangesOrShrinksUnderIt) {
  const Folder folder;
  const std::string path = folder / "data";
  put(path, std::string(4000, 'a'));
  const auto file = File::open(path);
  const ManifestSource source(contiguous_manifest(file, 0, {1000}, {.stored = DType::kInt32, .dtype = DType::kInt32}, "{}"));
  ASSERT_EQ(truncate(path.c_str(), 100), 0);
  std::vector<std::byte> memory(4000);
  const Error changed = error_of([&] { source.fetch(Box(Shape{1000}), memory, Cancel()); });
  EXPECT_EQ(changed.kind(), ErrorKind::kData);
  EXPECT_SAYS(changed, "changed while it was being read");
  const Error cut = error_of([&] { file->read_exactly(0, memory); });
  EXPECT_EQ(cut.kind(), ErrorKind::kData);
  EXPECT_SAYS(cut, "cut short");
  EXPECT_SAYS(cut, "offset 100");
}

TEST(ManifestSource, StopsWhenAsked) {
  const Folder folder;
  put(folder / "data", std::string(4000, 'a'));
  const ManifestSource source(contiguous_manifest(File::open(folder / "data"), 0, {1000}, {.stored = DType::kInt32, .dtype = DType::kInt32}, "{}"));
  Cancel cancel;
  cancel.request();
  std::vector<std::byte> memory(4000);
  EXPECT_EQ(error_of([&] { source.fetch(Box(Shape{1000}), memory, cancel); }).kind(), ErrorKind::kCancelled);
}

/// Whether `f`, run as a user to whom permissions apply, throws an io Error that says `part`.
template <class F>
bool says_without_privileges(const std::string& part, F&& f) {
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && setuid(65534) != 0) _exit(3);
    try {
      f();
    } catch (const Error& e) {
      _exit(e.kind() == ErrorKind::kIo && std::string(e.what()).find(part) != std::string::npos ? 0 : 1);
    }
    _exit(2);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(FileOpen, NamesWhatIsWrong) {
  const Folder folder;
  EXPECT_SAYS(error_of([&] { File::open(folder / "none.fits"); }), "none.fits: there is no such file");
  EXPECT_SAYS(error_of([&] { File::open(folder.path()); }), "is a folder");
  put(folder / "secret", "x");
  ASSERT_EQ(chmod((folder / "secret").c_str(), 0), 0);
  EXPECT_TRUE(says_without_privileges("no permission", [&] { File::open(folder / "secret"); }));
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_SAYS(error_of([&] { File::open(folder / "pipe"); }), "not a regular file");
}

TEST(OutputFile, GetsItsNameOnlyWhenFinished) {
  const Folder folder;
  put(folder / "out", "before");
  {
    OutputFile out(folder / "out", true);
    EXPECT_EQ(folder.entries(), 1u);
    out.create(5);
    EXPECT_EQ(folder.entries(), 2u);
    out.write_at(0, std::as_bytes(std::span("after", 5)));
    EXPECT_EQ(get(folder / "out"), "before");
    out.finish();
  }
  EXPECT_EQ(get(folder / "out"), "after");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(OutputFile, AbortLeavesWhatWasThere) {
  const Folder folder;
  put(folder / "out", "before");
  OutputFile out(folder / "out", true);
  out.abort();
  out.create(5);
  out.abort();
  out.abort();
  EXPECT_EQ(get(folder / "out"), "before");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(OutputFile, RefusesToReplaceUnlessAllowed) {
  const Folder folder;
  put(folder / "out", "before");
  const Error error = error_of([&] { OutputFile(folder / "out", false).create(5); });
  EXPECT_EQ(error.kind(), ErrorKind::kUser);
  EXPECT_SAYS(error, "--overwrite");
  OutputFile late(folder / "new", false);
  late.create(1);
  put(folder / "new", "somebody else's");
  EXPECT_EQ(error_of([&] { late.finish(); }).kind(), ErrorKind::kUser);
  late.abort();
  EXPECT_EQ(get(folder / "new"), "somebody else's");
  EXPECT_EQ(folder.entries(), 2u);
}

TEST(OutputFile, ASecondWriterIsRefusedWhileTheFirstHoldsTheName) {
  const Folder folder;
  OutputFile first(folder / "out", false), second(folder / "out", false);
  first.create(10);
  const Error error = error_of([&] { second.create(10); });
  EXPECT_EQ(error.kind(), ErrorKind::kUser);
  EXPECT_SAYS(error, "another run is writing it");
  second.abort();  // must not take away what the first holds
  EXPECT_TRUE(stdfs::exists(first.temporary_path()));
  first.finish();
  EXPECT_TRUE(stdfs::exists(folder / "out"));
}

TEST(OutputFile, ReplacesWhatAKilledRunLeft) {
  const Folder folder;
  const pid_t child = fork();
  if (child == 0) {
    OutputFile out(folder / "out", false);
    out.create(100000);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_EQ(folder.entries(), 1u);
  OutputFile out(folder / "out", false);
  out.create(3);
  EXPECT_EQ(stdfs::file_size(out.temporary_path()), 3u);
  out.finish();
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(OutputFile, NamesAFolderThatIsMissingAFileOrReadOnly) {
  const Folder folder;
  EXPECT_SAYS(error_of([&] { OutputFile(folder / "no/out", false).create(1); }), "does not exist");
  put(folder / "file", "x");
  const Error file = error_of([&] { OutputFile(folder / "file/out", false).create(1); });
  EXPECT_EQ(file.kind(), ErrorKind::kIo);
  stdfs::create_directory(folder / "dir");
  EXPECT_SAYS(error_of([&] { OutputFile(folder / "dir", true).create(1); }), "is a folder");
  stdfs::permissions(folder / "dir", stdfs::perms::owner_read | stdfs::perms::owner_exec | stdfs::perms::others_read | stdfs::perms::others_exec);
  EXPECT_TRUE(says_without_privileges("no permission", [&] { OutputFile(folder / "dir/out", true).create(1); }));
  EXPECT_TRUE(says_without_privileges("not writable", [&] { TempStore(folder / "dir", {{4}, DType::kInt32}, {4}); }));
  stdfs::permissions(folder / "dir", stdfs::perms::owner_all);
}

TEST(OutputFile, SaysHowMuchItNeedsWhenTheDiskLacksTheRoom) {
  const Folder folder;
  const Error error = error_of([&] { OutputFile(folder / "out", false).create(Index{1} << 60); });
  EXPECT_EQ(error.kind(), ErrorKind::kIo);
  EXPECT_SAYS(error, "needs 1");
  EXPECT_SAYS(error, "free");
  EXPECT_EQ(folder.entries(), 0u);
}

/// Runs `f` in a process that may not make files larger than `bytes`; true when it comes back true.
template <class F>
bool holds_under_file_limit(rlim_t bytes, F&& f) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{bytes, bytes};
    setrlimit(RLIMIT_FSIZE, &limit);
    _exit(f() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(OutputFile, AFileSizeLimitIsAnErrorNotASignal) {
  const Folder folder;
  EXPECT_TRUE(holds_under_file_limit(4096, [&] {
    try {
      OutputFile(folder / "out", false).create(100000);
    } catch (const Error& e) {
      return e.kind() == ErrorKind::kIo && std::string(e.what()).find("ulimit") != std::string::npos;
    }
    return false;
  }));
  EXPECT_TRUE(holds_under_file_limit(4096, [&] {
    OutputFile out(folder / "out", false);
    out.create(0);
    try {
      const std::string bytes(1000, 'x');
      out.write_at(4000, std::as_bytes(std::span(bytes)));
    } catch (const Error& e) {
      return e.kind() == ErrorKind::kIo && std::string(e.what()).find("ulimit") != std::string::npos;
    }
    return false;
  }));
}

/// Fills a sink with an int32 array of its own element numbers, in random boxes of a random grid, from several threads.
void fill_with_numbers(Sink& sink, Random& random, bool strided) {
  const Shape& shape = sink.spec().shape;
  Shape tile(shape.rank());
  for (int k = 0; k < shape.rank(); ++k) tile[k] = pick(random, 1, std::max<Index>(shape[k], 1));
  const ChunkGrid grid(shape, tile);
  std::vector<Index> order(static_cast<std::size_t>(grid.count()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Index>(i);
  std::shuffle(order.begin(), order.end(), random);
  const auto work = [&](std::size_t lane) {
    for (std::size_t i = lane; i < order.size(); i += 3) {
      const Box box = grid.box(order[i]);
      const Index step = strided ? 2 : 1;
      std::vector<std::int32_t> memory(static_cast<std::size_t>(box.count() * step));
      View view = View::contiguous(memory.data(), DType::kInt32, box.shape);
      for (Index& stride : view.strides) stride *= step;
      for (Index n = 0; n < box.count(); ++n) {
        Dims at(box.rank());
        Index rest = n;
        for (int k = box.rank() - 1; k >= 0; --k) {
          at[k] = box.start[k] + rest % box.shape[k];
          rest /= box.shape[k];
        }
        memory[static_cast<std::size_t>(n * step)] = static_cast<std::int32_t>(number_of(at, shape));
      }
      std::vector<std::byte> scratch_memory(static_cast<std::size_t>(sink.scratch_bytes(box)));
      Scratch scratch(scratch_memory);
      sink.write(box, view, scratch, Cancel());
      ASSERT_EQ(scratch.used(), 0);
    }
  };
  std::thread a(work, 0), b(work, 1);
  work(2);
  a.join();
  b.join();
}

TEST(TempStore, GivesBackWhatWasWrittenForAnyBlocksTilesAndBoxes) {
  const Folder folder;
  Random random(77);
  for (int trial = 0; trial < 40; ++trial) {
    const int rank = static_cast<int>(pick(random, 1, 4));
    Shape shape(rank), block(rank);
    for (int k = 0; k < rank; ++k) {
      shape[k] = pick(random, 1, rank < 3 ? 200 : 20);
      block[k] = pick(random, 1, shape[k] + 3);
    }
    const TempStore store(folder.path(), {shape, DType::kInt32}, block);
    EXPECT_EQ(folder.entries(), 0u);
    store.sink()->create();
    fill_with_numbers(*store.sink(), random, trial % 2 == 0);
    store.sink()->finish();
    for (int b = 0; b < 6; ++b) expect_numbers(*store.source(), random_box(random, shape), b % 2 == 0);
    if (HasFatalFailure()) return;
    EXPECT_EQ(folder.entries(), 0u);
  }
}

TEST(TempStore, PastThePageCacheGivesBackTheSame) {
  // On a disk: what is in memory cannot be written to in this way.
  const std::string folder = "/var/tmp";
  Random random(17);
  const Shape shape{61, 150, 163}, block{20, 75, 50};  // 300 kB; cut at the edges
  std::vector<std::int32_t> values(static_cast<std::size_t>(element_count(shape)));
  std::iota(values.begin(), values.end(), 0);
  const View all = View::contiguous(values.data(), DType::kInt32, shape);
  const TempStore store(folder, {shape, DType::kInt32}, block, true);
  store.sink()->create();
  {
    // Whole blocks, several at once, transposed in memory, and blocks in parts: from many threads.
    std::vector<Box> boxes;
    for (Index i = 0; i < 61; i += 20)
      for (Index k = 0; k < 163; k += 50) {
        const Index height = std::min<Index>(20, 61 - i), width = std::min<Index>(50, 163 - k);
        if (i == 20) {
          boxes.emplace_back(Dims{i, 0, k}, Shape{height, 31, width});
          boxes.emplace_back(Dims{i, 31, k}, Shape{height, 119, width});
        } else {
          boxes.emplace_back(Dims{i, 0, k}, Shape{height, 150, width});
        }
      }
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&] {
        for (std::size_t b = next++; b < boxes.size(); b = next++) {
          Buffer memory(store.sink()->scratch_bytes(boxes[b]) + 64);
          Scratch scratch(memory.bytes());
          store.sink()->write(boxes[b], all.part(boxes[b]), scratch, Cancel());
        }
      });
  }
  store.sink()->finish();
  for (int trial = 0; trial < 20; ++trial) expect_numbers(*store.source(), random_box(random, shape), trial % 2 == 0);
}

TEST(TempStore, SaysWhenItCannotBe) {
  const Folder folder;
  EXPECT_SAYS(error_of([&] { TempStore(folder / "none", {{4}, DType::kInt32}, {4}); }), "--temp-dir");
  const TempStore huge(folder.path(), {{Index{1} << 57}, DType::kInt32}, {Index{1} << 50});
  EXPECT_SAYS(error_of([&] { huge.sink()->create(); }), "needs");
}

TEST(MemoryStore, GivesBackWhatWasWritten) {
  Random random(78);
  const MemoryStore store({{7, 11, 5}, DType::kInt32});
  fill_with_numbers(*store.sink(), random, true);
  EXPECT_EQ(store.view().as<std::int32_t>()[100], 100);
  for (int b = 0; b < 20; ++b) expect_numbers(*store.source(), random_box(random, {7, 11, 5}), b % 2 == 0);
}

TEST(RawSink, WritesPixelsThenHeaderUnderItsName) {
  const Folder folder;
  RawLayout layout{.shape = {3, 4}, .transform = {.stored = DType::kInt32, .order = ByteOrder::kBig, .dtype = DType::kInt32}, .data_offset = 8, .file_bytes = 60};
  layout.blocks = {{56, "tail"}, {0, "header: "}};
  RawSink sink(folder / "out", false, layout);
  Random random(3);
  sink.create();
  fill_with_numbers(sink, random, false);
  sink.finish();
  const std::string bytes = get(folder / "out");
  ASSERT_EQ(bytes.size(), 60u);
  EXPECT_EQ(bytes.substr(0, 8), "header: ");
  EXPECT_EQ(bytes.substr(56), "tail");
  for (int i = 0; i < 12; ++i) EXPECT_EQ(bytes[static_cast<std::size_t>(8 + 4 * i + 3)], i);
}

}  // namespace
}  // namespace freestone
