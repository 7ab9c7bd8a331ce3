// Chunked sources and sinks against arrays in memory: any grid, order of axes, codecs, shards, edges; the cache of chunks.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "freestone/storage/chunk_cache.h"
#include "freestone/storage/chunked_sink.h"
#include "freestone/storage/chunked_source.h"
#include "storage/temporary_folder.h"

namespace freestone {
namespace {

using testing_files::error_of;
using testing_files::Folder;
using testing_files::get;
using testing_files::put;
using Random = std::mt19937_64;
using Vector = std::vector<std::byte>;

Index pick(Random& random, Index low, Index high) { return std::uniform_int_distribution<Index>(low, high)(random); }

std::string key(const Dims& position) {
  std::string out = "c";
  for (const Index p : position) out += "/" + std::to_string(p);
  return out;
}

Identity identity_of(const std::string& folder) {
  struct stat status {};
  EXPECT_EQ(stat((folder + "/meta").c_str(), &status), 0);
  return {folder, status.st_size, Index{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec, static_cast<Index>(status.st_ino)};
}

ShardLayout shards_of(const Shape& chunks, bool index_at_end) {
  return {chunks, ByteOrder::kLittle, CodecChain({checksum_codec(Checksum::kCrc32c)}), index_at_end};
}

struct Case {
  Spec spec;
  Shape chunk;
  std::optional<ShardLayout> shards;
  std::vector<int> order;
  CodecChain codecs;
  ByteOrder byte_order = ByteOrder::kLittle;
  ElementTransform transform() const { return {.stored = spec.dtype, .order = byte_order, .dtype = spec.dtype}; }
};

std::shared_ptr<ChunkedSink> make_sink(const std::string& path, const Case& c, bool overwrite = false) {
  ChunkedOutput output{.spec = c.spec, .chunk = c.chunk, .shards = c.shards, .codecs = c.codecs, .transform = c.transform(), .key = key};
  output.files.push_back({"meta", c.codecs.names()});
  output.marks = {"meta"};
  return std::make_shared<ChunkedSink>(path, overwrite, std::move(output));
}

std::shared_ptr<const ChunkedSource> make_source(const std::string& path, const Case& c) {
  ChunkedLayout layout{.grid = ChunkGrid(c.spec.shape, c.chunk), .order = c.order, .codecs = c.codecs, .transform = c.transform()};
  return std::make_shared<ChunkedSource>(std::move(layout),
                                         std::make_shared<ChunkFiles>(path, path + "/meta", identity_of(path), key, c.shards));
}

Vector contents_of(const View& view) {
  Vector out(static_cast<std::size_t>(view.bytes()));
  copy(view, View::contiguous(out.data(), view.dtype, view.shape));
  return out;
}

Vector random_elements(const Spec& spec, Random& random) {
  Vector out(static_cast<std::size_t>(spec.bytes()));
  // Stretches of zeros give chunks that are not written.
  bool zero = false;
  for (auto& byte : out) {
    if (random() % 200 == 0) zero = !zero;
    byte = zero ? std::byte{0} : static_cast<std::byte>(random() & 7);
  }
  return out;
}

void write(Sink& sink, const View& data, const Box& box) {
  Vector memory(static_cast<std::size_t>(sink.scratch_bytes(box)));
  Scratch scratch(memory);
  sink.write(box, data.part(box), scratch, Cancel());
}

/// Writes tile by tile; tiles lie on units, or anywhere.
void write_all(Sink& sink, const View& data, Random& random, bool aligned) {
  Shape tile(data.rank());
  for (int k = 0; k < data.rank(); ++k) {
    tile[k] = pick(random, 1, std::max<Index>(data.shape[k], 1));
    if (aligned) tile[k] = (tile[k] + sink.caps().unit[k] - 1) / sink.caps().unit[k] * sink.caps().unit[k];
  }
  const ChunkGrid grid(data.shape, tile);
  sink.create();
  for (Index i = grid.count(); i-- > 0;) write(sink, data, grid.box(i));
  sink.finish();
}

Vector read(const Source& source, const Box& box, bool transposed = false) {
  Vector encoded(static_cast<std::size_t>(source.encoded_bytes(box)));
  Vector out(static_cast<std::size_t>(box.count() * size_of(source.spec().dtype)));
  View view = View::contiguous(out.data(), source.spec().dtype, box.shape);
  if (transposed) {
    Shape reversed(box.shape.rank());
    for (int k = 0; k < box.rank(); ++k) reversed[k] = box.shape[box.rank() - 1 - k];
    const Dims strides = contiguous_strides(reversed, size_of(source.spec().dtype));
    for (int k = 0; k < box.rank(); ++k) view.strides[k] = strides[box.rank() - 1 - k];
  }
  source.fetch(box, encoded, Cancel());
  source.decode(box, encoded, view, Cancel());
  return transposed ? contents_of(view) : out;
}

Box random_box(Random& random, const Shape& shape) {
  Box box(shape);
  for (int k = 0; k < shape.rank(); ++k) {
    if (pick(random, 0, 2) == 0) continue;
    box.start[k] = pick(random, 0, shape[k] - 1);
    box.shape[k] = pick(random, 1, shape[k] - box.start[k]);
  }
  return box;
}

Case random_case(Random& random) {
  constexpr DType kTypes[] = {DType::kUint8, DType::kInt16, DType::kFloat32, DType::kFloat64, DType::kComplex128};
  Case c;
  const int rank = static_cast<int>(pick(random, 0, 4));
  c.spec.dtype = kTypes[pick(random, 0, 4)];
  for (int k = 0; k < rank; ++k) {
    c.spec.shape.push_back(pick(random, 1, rank < 3 ? 60 : 13));
    c.chunk.push_back(pick(random, 1, c.spec.shape[k] + 3));
  }
  const Index width = size_of(c.spec.dtype);
  const std::vector<std::vector<CodecRef>> chains = {{},
                                                     {zstd_codec(1)},
                                                     {blosc_codec({.element_bytes = width})},
                                                     {shuffle_codec(width), lz4_codec()},
                                                     {shuffle_codec(width), gzip_codec(1), checksum_codec(Checksum::kCrc32c)}};
  c.codecs = CodecChain(chains[static_cast<std::size_t>(pick(random, 0, 4))]);
  c.byte_order = pick(random, 0, 1) == 0 ? ByteOrder::kLittle : ByteOrder::kBig;
  if (pick(random, 0, 1) == 0) {
    Shape inner(rank);
    for (Index& n : inner) n = pick(random, 1, 3);
    c.shards = shards_of(inner, pick(random, 0, 1) == 0);
  }
  return c;
}

TEST(Chunked, GivesBackAnyBoxOfWhatWasWritten) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Folder folder;
    const Case c = random_case(random);
    Vector elements = random_elements(c.spec, random);
    const View data = View::contiguous(elements.data(), c.spec.dtype, c.spec.shape);
    const auto sink = make_sink(folder / "a", c);
    write_all(*sink, data, random, pick(random, 0, 1) == 0);
    EXPECT_EQ(folder.entries(), 1u);
    const auto source = make_source(folder / "a", c);
    for (int trial = 0; trial < 6; ++trial) {
      const Box box = trial == 0 ? Box(c.spec.shape) : random_box(random, c.spec.shape);
      ASSERT_EQ(read(*source, box, trial == 1), contents_of(data.part(box)))
          << to_string(box) << " of " << to_string(c.spec.shape) << ", chunks " << to_string(c.chunk);
      const ReadCost cost = source->cost(box);
      EXPECT_GE(cost.decoded, box.count() * size_of(c.spec.dtype));
    }
  }
}

TEST(Chunked, AxesOfAChunkMayLieInAnyOrder) {
  Random random(7);
  const Folder folder;
  Case c{.spec = {{6, 10, 8}, DType::kInt32}, .chunk = {3, 5, 4}, .codecs = CodecChain({zstd_codec(1)})};
  Vector elements = random_elements(c.spec, random);
  const View data = View::contiguous(elements.data(), c.spec.dtype, c.spec.shape);
  for (const std::vector<int>& order : {std::vector<int>{2, 1, 0}, {1, 2, 0}, {0, 2, 1}}) {
    for (const ByteOrder byte_order : {ByteOrder::kLittle, ByteOrder::kBig}) {
      // Written as the transposed array, whose chunks have their axes in that order.
      Case stored = c;
      stored.byte_order = byte_order;
      View turned = data;
      for (std::size_t k = 0; k < 3; ++k) {
        const auto at = static_cast<int>(k);
        stored.spec.shape[at] = turned.shape[at] = c.spec.shape[order[k]];
        turned.strides[at] = data.strides[order[k]];
        stored.chunk[at] = c.chunk[order[k]];
      }
      const auto sink = make_sink(folder / "a", stored, true);
      write_all(*sink, turned, random, true);
      ChunkedLayout layout{.grid = ChunkGrid(c.spec.shape, c.chunk), .order = order, .codecs = c.codecs, .transform = stored.transform()};
      const ChunkKey turned_key = [&](const Dims& p) { return key({p[order[0]], p[order[1]], p[order[2]]}); };
      const ChunkedSource source(std::move(layout),
                                 std::make_shared<ChunkFiles>(folder / "a", folder / "a/meta", identity_of(folder / "a"), turned_key));
      for (int trial = 0; trial < 8; ++trial) {
        const Box box = trial == 0 ? Box(c.spec.shape) : random_box(random, c.spec.shape);
        ASSERT_EQ(read(source, box), contents_of(data.part(box))) << to_string(box);
      }
    }
  }
}

TEST(Chunked, EdgeChunksMayHoldOnlyWhatIsInside) {
  const Folder folder;
  // (3, 5) in chunks of (2, 4), as TIFF strips are cut at the last row.
  std::vector<std::uint8_t> all(15);
  for (std::size_t i = 0; i < 15; ++i) all[i] = static_cast<std::uint8_t>(i + 1);
  const CodecChain codecs({zlib_codec(6)});
  std::filesystem::create_directories(folder / "c/0");
  std::filesystem::create_directories(folder / "c/1");
  put(folder / "meta", "x");
  const ChunkGrid grid({3, 5}, {2, 4});
  for (Index number = 0; number < grid.count(); ++number) {
    const Box box = grid.box(number);
    const Vector raw = contents_of(View::contiguous(all.data(), DType::kUint8, {3, 5}).part(box));
    Vector scratch(static_cast<std::size_t>(codecs.encode_scratch_bytes(static_cast<Index>(raw.size()))));
    const ConstBytes bytes = codecs.encode(raw, scratch);
    put(folder / key({box.start[0] / 2, box.start[1] / 4}), std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  ChunkedLayout layout{
      .grid = grid, .edge_chunks_are_cut = true, .codecs = codecs, .transform = {.stored = DType::kUint8, .dtype = DType::kUint8}};
  const ChunkedSource source(std::move(layout),
                             std::make_shared<ChunkFiles>(folder.path(), folder / "meta", identity_of(folder.path()), key));
  EXPECT_EQ(std::memcmp(read(source, Box(Shape{3, 5})).data(), all.data(), 15), 0);
  const Vector corner = read(source, Box({1, 3}, {2, 2}));
  EXPECT_EQ(std::to_integer<int>(corner[0]), 9);
  EXPECT_EQ(std::to_integer<int>(corner[3]), 15);
}

TEST(ChunkedSource, AbsentChunksAreFill) {
  const Folder folder;
  put(folder / "meta", "x");
  const std::int16_t fill = -7;
  ChunkedLayout layout{.grid = ChunkGrid({5, 7}, {2, 3}),
                       .codecs = CodecChain({zstd_codec(1)}),
                       .transform = {.stored = DType::kInt16, .dtype = DType::kInt16}};
  layout.fill.resize(2);
  std::memcpy(layout.fill.data(), &fill, 2);
  const ChunkedSource source(std::move(layout),
                             std::make_shared<ChunkFiles>(folder.path(), folder / "meta", identity_of(folder.path()), key));
  const Vector out = read(source, Box({1, 2}, {3, 4}));
  for (std::size_t i = 0; i < out.size(); i += 2) EXPECT_EQ(std::memcmp(&out[i], &fill, 2), 0);
}

class WrittenOnce : public testing::Test {
 protected:
  explicit WrittenOnce(bool shards = false) {
    if (shards) case_.shards = shards_of({2, 2}, true);
    Random random(11);
    elements_ = random_elements(case_.spec, random);
    for (auto& byte : elements_) byte |= std::byte{1};
    write_all(*make_sink(path_, case_), data(), random, true);
    source_ = make_source(path_, case_);
  }
  View data() { return View::contiguous(elements_.data(), case_.spec.dtype, case_.spec.shape); }
  Folder folder_;
  std::string path_ = folder_ / "a";
  Case case_{
      .spec = {{20, 20}, DType::kFloat32}, .chunk = {5, 5}, .codecs = CodecChain({zstd_codec(1), checksum_codec(Checksum::kCrc32c)})};
  Vector elements_;
  std::shared_ptr<const ChunkedSource> source_;
};
class WrittenInShards : public WrittenOnce {
 protected:
  WrittenInShards() : WrittenOnce(true) {}
};

TEST_F(WrittenOnce, DamageNamesFileAndChunk) {
  const std::string file = path_ + "/c/2/1", whole = get(file);
  const auto expect_error = [&](const std::string& bytes) {
    put(file, bytes);
    const Error error = error_of([&] { read(*source_, Box(Shape{20, 20})); });
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_SAYS(error, "a/c/2/1");
    EXPECT_SAYS(error, "(2, 1)");
  };
  expect_error("");
  expect_error(whole.substr(0, 3));
  expect_error(whole.substr(0, whole.size() - 1));
  std::string flipped = whole;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 16);
  expect_error(flipped);
  expect_error(std::string(100000, 'x'));
  put(file, whole);
  EXPECT_EQ(read(*source_, Box(Shape{20, 20})), elements_);
}

TEST_F(WrittenOnce, SaysWhenTheArrayIsAnotherOneNow) {
  Random random(3);
  write_all(*make_sink(path_, case_, true), data(), random, true);
  EXPECT_SAYS(error_of([&] { read(*source_, Box(Shape{20, 20})); }), "changed while it was being read");
  std::filesystem::remove_all(path_);
  EXPECT_SAYS(error_of([&] { read(*source_, Box(Shape{20, 20})); }), "gone");
}

TEST_F(WrittenInShards, DamagedIndicesAreRefused) {
  const std::string file = path_ + "/c/0/1", whole = get(file);
  const auto error_with = [&](const std::string& bytes) {
    put(file, bytes);
    const auto fresh = make_source(path_, case_);
    const Error error = error_of([&] { read(*fresh, Box(Shape{20, 20})); });
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_SAYS(error, "a/c/0/1");
    return error;
  };
  EXPECT_SAYS(error_with(whole.substr(0, 10)), "index");
  EXPECT_SAYS(error_with(whole.substr(10)), "damaged");
  std::string changed = whole;
  changed[changed.size() - 20] ^= 1;
  EXPECT_SAYS(error_with(changed), "index is damaged");
  // An index that is whole but points outside.
  ShardIndex index(4);
  index.set(0, {Index{1} << 40, 10});
  const auto bytes = index.encoded(*case_.shards);
  EXPECT_SAYS(error_with(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())), "by the shard's index");
}

TEST_F(WrittenInShards, NeighboursInAShardAreOneRequestAndInOrder) {
  EXPECT_EQ(read(*source_, Box(Shape{20, 20})), elements_);
  EXPECT_EQ(read(*source_, Box({0, 0}, {10, 10})), contents_of(data().part(Box({0, 0}, {10, 10}))));
}

TEST_F(WrittenOnce, TheCacheReadsAndDecodesEachChunkOnce) {
  const auto cache = std::make_shared<ChunkCache>(1 << 20);
  const auto cached = source_->through(cache);
  Random random(5);
  const auto work = [&](std::uint64_t seed) {
    Random own(seed);
    for (int trial = 0; trial < 200; ++trial) {
      const Box box = random_box(own, case_.spec.shape);
      if (read(*cached, box) != contents_of(data().part(box))) ADD_FAILURE() << to_string(box);
    }
  };
  std::thread a(work, 1), b(work, 2);
  work(3);
  a.join();
  b.join();
  EXPECT_EQ(cache->misses(), 16);
  EXPECT_GT(cache->hits(), 1000);
  EXPECT_GE(cache->bytes(), 16 * 100);  // and memory to read into
  // Nothing is read any more.
  for (int k = 0; k < 4; ++k) std::filesystem::remove_all(path_ + "/c/" + std::to_string(k));
  EXPECT_EQ(read(*cached, Box(Shape{20, 20})), elements_);
}

TEST_F(WrittenOnce, ASmallCacheForgetsTheLeastRecentlyUsedAndStaysBelowItsLimit) {
  const Index limit = 5000;  // an entry asks for a little over 1 kB while it is read, then keeps 100 bytes
  const auto cache = std::make_shared<ChunkCache>(limit);
  const auto cached = source_->through(cache);
  Random random(6);
  for (int trial = 0; trial < 300; ++trial) {
    const Box box = random_box(random, case_.spec.shape);
    ASSERT_EQ(read(*cached, box), contents_of(data().part(box)));
    ASSERT_LE(cache->bytes(), limit);
  }
  const auto none = source_->through(std::make_shared<ChunkCache>(10));
  EXPECT_EQ(read(*none, Box(Shape{20, 20})), elements_);
}

TEST_F(WrittenOnce, ErrorsReachEveryLaneThatWaitsForTheChunk) {
  put(path_ + "/c/1/1", "nothing that zstd knows");
  const auto cached = source_->through(std::make_shared<ChunkCache>(1 << 20));
  std::atomic<int> errors = 0;
  const auto work = [&] {
    for (int trial = 0; trial < 20; ++trial) {
      try {
        read(*cached, Box({4, 4}, {3, 3}));
      } catch (const Error& error) {
        errors += error.kind() == ErrorKind::kData;
      }
    }
  };
  std::thread a(work), b(work);
  a.join();
  b.join();
  EXPECT_EQ(errors, 40);
}

TEST_F(WrittenOnce, ChunksAreDecodedAheadAsFarAsThereIsRoomForThem) {
  const auto cache = std::make_shared<ChunkCache>(1 << 20, 250);  // a chunk has 100 bytes: the third goes over it
  const auto cached = source_->through(cache);
  const auto& chunked = dynamic_cast<const ChunkedSource&>(*cached);
  const Buffer scratch(4096);
  const Box whole(Shape{20, 20});
  const auto decode_ahead = [&] { return chunked.decode_ahead(whole, scratch.bytes(), Cancel()); };
  for (int n = 0; n < 3; ++n) EXPECT_TRUE(decode_ahead()) << n;
  EXPECT_FALSE(decode_ahead() || cache->has_room_ahead());
  EXPECT_EQ(cache->misses(), 3);
  // Once a tile has asked for one, it is a chunk like others.
  EXPECT_EQ(read(*cached, Box({0, 0}, {5, 5})), contents_of(data().part(Box({0, 0}, {5, 5}))));
  EXPECT_EQ(cache->misses(), 3);
  EXPECT_TRUE(decode_ahead());
  EXPECT_FALSE(decode_ahead());
  EXPECT_EQ(read(*cached, whole), elements_);
  EXPECT_EQ(cache->misses(), 16);
  EXPECT_FALSE(decode_ahead()) << "all are there";
  EXPECT_FALSE(dynamic_cast<const ChunkedSource&>(*source_).decode_ahead(whole, scratch.bytes(), Cancel())) << "without a cache";
  EXPECT_FALSE(cache->in_the_meantime({}));
}

TEST_F(WrittenOnce, ADamagedChunkThatIsDecodedAheadIsAnErrorOfTheTileThatWantsIt) {
  put(path_ + "/c/1/1", "nothing that zstd knows");
  const auto cached = source_->through(std::make_shared<ChunkCache>(1 << 20, 1000));
  const auto& chunked = dynamic_cast<const ChunkedSource&>(*cached);
  const Buffer scratch(4096);
  EXPECT_SAYS(error_of([&] { chunked.decode_ahead(Box({5, 5}, {5, 5}), scratch.bytes(), Cancel()); }), "chunk (1, 1) is damaged");
  EXPECT_SAYS(error_of([&] { read(*cached, Box({4, 4}, {3, 3})); }), "chunk (1, 1) is damaged");
}

TEST(ChunkedSink, ResumesWhatAKilledRunLeft) {
  Random random(9);
  const Folder folder;
  const Case c{.spec = {{9, 9}, DType::kInt32}, .chunk = {3, 3}, .codecs = CodecChain({zstd_codec(1)})};
  Vector elements = random_elements(c.spec, random);
  for (auto& byte : elements) byte |= std::byte{1};
  const View data = View::contiguous(elements.data(), c.spec.dtype, c.spec.shape);
  const std::string path = folder / "a", temporary = folder / ".a.freestone-tmp", saved = folder / "saved";
  {
    const auto killed = make_sink(path, c);
    killed->create();
    write(*killed, data, Box({0, 0}, {6, 9}));
    std::filesystem::copy(temporary, saved, std::filesystem::copy_options::recursive);
  }
  EXPECT_SAYS(error_of([&] { make_sink(path, c)->resume(); }), "no run to take up");
  std::filesystem::rename(saved, temporary);
  Case otherwise = c;
  otherwise.codecs = CodecChain({lz4_codec()});
  EXPECT_NE(make_sink(path, otherwise)->description(), make_sink(path, c)->description());
  const auto sink = make_sink(path, c);
  sink->resume();
  write(*sink, data, Box({6, 0}, {3, 9}));
  sink->flush();
  sink->finish();
  EXPECT_EQ(read(*make_source(path, c), Box(c.spec.shape)), elements);
  // Parts of chunks were in memory only.
  const auto crossing = make_sink(folder / "b", c);
  crossing->create();
  write(*crossing, data, Box({0, 0}, {4, 9}));
  std::filesystem::copy(folder / ".b.freestone-tmp", saved, std::filesystem::copy_options::recursive);
  crossing->abort();
  std::filesystem::rename(saved, folder / ".b.freestone-tmp");
  EXPECT_SAYS(error_of([&] { make_sink(folder / "b", c)->resume(); }), "cannot be taken up");
}

TEST(ChunkedSink, TokensTellWhereAnOutputIs) {
  Random random(10);
  const Folder folder;
  const Case c{.spec = {{4}, DType::kInt32}, .chunk = {2}};
  Vector elements = random_elements(c.spec, random);
  const View data = View::contiguous(elements.data(), c.spec.dtype, c.spec.shape);
  const std::string path = folder / "a", temporary = folder / ".a.freestone-tmp";
  const auto sink = make_sink(path, c);
  EXPECT_EQ(sink->find(""), Sink::Whereabouts::kNowhere);
  std::ofstream(sink->journal_path()) << "of a run before";
  sink->create();
  EXPECT_FALSE(std::filesystem::exists(sink->journal_path())) << "it tells of what is gone";
  const std::string token = sink->token();
  EXPECT_EQ(sink->find(token), Sink::Whereabouts::kTemporary);
  write(*sink, data, Box(c.spec.shape));
  sink->finish();
  EXPECT_EQ(sink->find(token), Sink::Whereabouts::kFinal);
  // Another run replaces it and is killed before it has removed the old one.
  const auto next = make_sink(path, c, true);
  next->create();
  const std::string next_token = next->token();
  EXPECT_EQ(next->find(token), Sink::Whereabouts::kFinal);
  write(*next, data, Box(c.spec.shape));
  next->finish();
  EXPECT_EQ(next->find(token), Sink::Whereabouts::kNowhere);
  EXPECT_EQ(next->find(next_token), Sink::Whereabouts::kFinal);
  std::filesystem::create_directory(temporary);
  EXPECT_EQ(next->find(next_token), Sink::Whereabouts::kFinal);
  next->clean_up();
  EXPECT_FALSE(std::filesystem::exists(temporary));
  EXPECT_EQ(read(*make_source(path, c), Box(c.spec.shape)), elements);
}

TEST(OutputFolder, ReplacesOnlyWhatIsOfItsKind) {
  Random random(1);
  const Folder folder;
  const Case c{.spec = {{4}, DType::kInt32}, .chunk = {2}};
  Vector elements = random_elements(c.spec, random);
  const View data = View::contiguous(elements.data(), c.spec.dtype, c.spec.shape);
  std::filesystem::create_directories(folder / "home/documents");
  const Error error = error_of([&] { make_sink(folder / "home", c, true)->create(); });
  EXPECT_EQ(error.kind(), ErrorKind::kUser);
  EXPECT_SAYS(error, "other things");
  EXPECT_TRUE(std::filesystem::exists(folder / "home/documents"));
  std::filesystem::create_directories(folder / "empty");
  write_all(*make_sink(folder / "empty/", c, true), data, random, true);
  write_all(*make_sink(folder / "empty", c, true), data, random, true);
  EXPECT_TRUE(std::filesystem::exists(folder / "empty/meta"));
  EXPECT_EQ(folder.entries(), 2u);
  EXPECT_EQ(error_of([&] { make_sink(folder / "none/a", c)->create(); }).kind(), ErrorKind::kIo);
}

}  // namespace
}  // namespace freestone
