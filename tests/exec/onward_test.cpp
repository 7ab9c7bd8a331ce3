// Tall chunks to rows: tiles cut the chunks along their slowest axis, and each goes on in them where the one before has stopped.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "exec/chunked_array.h"
#include "freestone/exec/compute.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/shape.h"
#include "freestone/plan/explain.h"

namespace freestone {
namespace {

using testing_chunks::Chunked;
using testing_chunks::CountingCodec;
using testing_chunks::with;

std::shared_ptr<Sink> rows_sink(const std::string& path, const Shape& shape, const Shape& chunk) {
  ChunkedOutput output{
      .spec = {shape, DType::kFloat32}, .chunk = chunk, .codecs = Chunked::codecs(), .transform = Chunked::transform(), .key = testing_chunks::key};
  output.files.push_back({"meta", "an array"});
  return std::make_shared<ChunkedSink>(path, true, std::move(output));
}

struct Case {
  Shape shape, chunk, rows;
  Index memory;
};
const Case kCases[] = {{{2000, 60, 100}, {2000, 20, 25}, {20, 60, 100}, Index{22} << 20},
                       {{3000, 45, 70}, {1024, 15, 64}, {16, 45, 70}, Index{17} << 20},  // three rows of chunks, the last not full
                       {{2, 6001, 600}, {1, 6001, 200}, {1, 13, 600}, Index{10} << 20}};  // the slowest axis with an extent is the second

TEST(Onward, TallChunksAreDecodedOnceForAllRows) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(to_string(c.shape));
    const Chunked data(c.shape, c.chunk, 3);
    const auto counting = std::make_shared<CountingCodec>(zstd_codec(1));
    const Array x = data.array(CodecChain({counting})), twice = x + x;
    for (const int threads : {1, 2, 5}) {
      const std::string path = data.folder / ("rows" + std::to_string(threads));
      const auto sink = rows_sink(path, c.shape, c.rows);
      const Plan plan = plan_outputs({{twice, sink}}, with(c.memory, threads));
      ASSERT_EQ(plan.stages.size(), 1U) << explain(plan, 0);
      ASSERT_TRUE(plan.stages[0].goes_onward) << explain(plan, 0);
      ASSERT_GT(plan.stages[0].estimate.tiles, 2) << explain(plan, 0);
      ASSERT_LE(plan.total.peak_bytes, c.memory);
      EXPECT_NE(explain(plan, 0).find("decoders that stop within chunks"), std::string::npos) << explain(plan, 0);
      counting->made = 0;
      write_outputs({{twice, sink}}, with(c.memory, threads));
      // Chunks at the edge are stored whole.
      const Index stored = ChunkGrid(c.shape, c.chunk).count() * element_count(c.chunk) * 4;
      EXPECT_LE(counting->made, stored) << threads << " threads\n" << explain(plan, 0);
      const Tensor got = compute(Chunked::array_at(path, c.shape, c.rows), with(Index{256} << 20, 2));
      for (std::size_t i = 0; i < data.values.size(); ++i) ASSERT_EQ(got.data<float>()[i], 2 * data.values[i]) << i << ", " << threads << " threads";
    }
  }
}

TEST(Onward, ChunksOfTheOutputAreFilledPartByPart) {
  const Shape shape{2000, 60, 100}, chunk{2000, 20, 25};
  const Chunked data(shape, chunk, 5);
  const auto counting = std::make_shared<CountingCodec>(zstd_codec(1));
  const Array x = data.array(CodecChain({counting}));
  // The second has edges within the chunks: of those all that a tile wants is decoded before it is taken apart.
  for (const Shape& rows : {Shape{20, 60, 100}, Shape{30, 45, 100}})
    for (const int threads : {1, 2}) {
      SCOPED_TRACE(testing::Message() << to_string(rows) << ", " << threads << " threads");
      const std::string path = data.folder / ("rows" + std::to_string(rows[0]) + std::to_string(threads));
      const auto sink = rows_sink(path, shape, rows);
      const Plan plan = plan_outputs({{x, sink}}, with(Index{20} << 20, threads));
      ASSERT_TRUE(plan.stages.size() == 1 && plan.stages[0].goes_onward) << explain(plan, 0);
      ASSERT_GT(element_count(plan.stages[0].tile), element_count(rows)) << "several in a tile\n" << explain(plan, 0);
      counting->made = 0;
      write_outputs({{x, sink}}, with(Index{20} << 20, threads));
      EXPECT_LE(counting->made, element_count(shape) * 4) << explain(plan, 0);
      const Tensor got = compute(Chunked::array_at(path, shape, rows), with(Index{256} << 20, 2));
      for (std::size_t i = 0; i < data.values.size(); ++i) ASSERT_EQ(got.data<float>()[i], data.values[i]) << i;
    }
}

TEST(Onward, TwoReadingsOfTheSameChunksDoNotMeet) {
  // An array beside itself some rows on: in each chunk two places, too far apart to be read as one.
  const Shape shape{8000, 30, 50}, less{7900, 30, 50};
  const Chunked data(shape, {8000, 15, 25}, 6);
  const auto counting = std::make_shared<CountingCodec>(zstd_codec(1));
  const Array x = data.array(CodecChain({counting}));
  const Array both = slice(x, {{0, 7900, 1}}) + slice(x, {{100, 8000, 1}});
  const std::string path = data.folder / "rows";
  const auto sink = rows_sink(path, less, {20, 30, 50});
  const Plan plan = plan_outputs({{both, sink}}, with(Index{28} << 20, 2));
  ASSERT_TRUE(plan.stages.size() == 1 && plan.stages[0].goes_onward) << explain(plan, 0);
  ASSERT_GT(plan.stages[0].estimate.tiles, 8) << explain(plan, 0);
  counting->made = 0;
  write_outputs({{both, sink}}, with(Index{28} << 20, 2));
  EXPECT_LE(counting->made, 2 * element_count(shape) * 4) << "once a reading\n" << explain(plan, 0);
  const Tensor got = compute(Chunked::array_at(path, less, {20, 30, 50}), with(Index{256} << 20, 2));
  const std::size_t apart = data.values.size() - static_cast<std::size_t>(element_count(less));
  for (std::size_t i = 0; i + apart < data.values.size(); ++i) ASSERT_EQ(got.data<float>()[i], data.values[i] + data.values[i + apart]) << i;
}

TEST(Onward, ABoxAfterAnotherIsWhatAWholeChunkHas) {
  std::mt19937 random(11);
  for (int round = 0; round < 20; ++round) {
    const Shape shape{std::uniform_int_distribution<Index>(1, 300)(random), std::uniform_int_distribution<Index>(1, 20)(random),
                      std::uniform_int_distribution<Index>(1, 20)(random)};
    Shape chunk = shape;
    for (int k = 0; k < 3; ++k) chunk[k] = std::uniform_int_distribution<Index>(1, shape[k] + 2)(random);
    const Chunked data(shape, chunk, static_cast<unsigned>(round));
    const Array x = data.array();
    const auto* whole = dynamic_cast<const ChunkedSource*>(x.node()->op->source().get());
    ASSERT_NE(whole, nullptr);
    // Room for all decoders, for one, and for none.
    for (const Index room : {Index{1} << 30, Index{1} << 20, Index{0}}) {
      const auto source = whole->onward(std::make_shared<PartDecoders>(room));
      if (element_count(chunk) == 1) {
        EXPECT_EQ(source, nullptr);
        continue;
      }
      ASSERT_NE(source, nullptr);
      for (int n = 0; n < 12; ++n) {
        Box box(shape);
        for (int k = 0; k < 3; ++k) {
          box.start[k] = std::uniform_int_distribution<Index>(0, shape[k] - 1)(random);
          box.shape[k] = std::uniform_int_distribution<Index>(1, shape[k] - box.start[k])(random);
        }
        if (n % 2 == 0) box.start[1] = box.start[2] = 0, box.shape[1] = shape[1], box.shape[2] = shape[2];
        Buffer encoded(source->encoded_bytes(box)), out(box.count() * 4);
        const View view = View::contiguous(out.data(), DType::kFloat32, box.shape);
        source->fetch(box, encoded.bytes(), Cancel());
        source->decode(box, encoded.bytes(), view, Cancel());
        const View expected = View::contiguous(const_cast<float*>(data.values.data()), DType::kFloat32, shape).part(box);
        Buffer gathered(box.count() * 4);
        copy(expected, View::contiguous(gathered.data(), DType::kFloat32, box.shape));
        ASSERT_EQ(std::memcmp(gathered.data(), out.data(), static_cast<std::size_t>(box.count() * 4)), 0)
            << to_string(box) << " of " << to_string(shape) << " in " << to_string(chunk) << ", round " << round;
      }
    }
  }
}

TEST(Onward, DamagedChunksAreNamed) {
  const Shape shape{4000, 10, 10}, chunk{4000, 5, 10};
  const Chunked data(shape, chunk, 4);
  const std::string victim = data.folder / "a/c/0/1/0";
  std::string bytes;
  {
    std::ifstream file(victim, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  const auto read_all = [&](const std::string& now) {
    std::ofstream(victim, std::ios::binary | std::ios::trunc).write(now.data(), static_cast<std::streamsize>(now.size()));
    const Array x = data.array();
    const auto source = dynamic_cast<const ChunkedSource*>(x.node()->op->source().get())->onward(std::make_shared<PartDecoders>(Index{1} << 30));
    for (Index at = 0; at < shape[0]; at += 500) {
      Box box(shape);
      box.start[0] = at, box.shape[0] = 500;
      Buffer encoded(source->encoded_bytes(box)), out(box.count() * 4);
      source->decode(box, encoded.bytes(), View::contiguous(out.data(), DType::kFloat32, box.shape), Cancel());
    }
  };
  EXPECT_NO_THROW(read_all(bytes));
  const auto is_named = [&](const std::string& now, const char* what) {
    try {
      read_all(now);
      ADD_FAILURE() << what << ": no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData) << what;
      EXPECT_NE(error.message().find("c/0/1/0"), std::string::npos) << what << ": " << error.message();
    }
  };
  is_named(bytes.substr(0, bytes.size() / 2), "half of it");
  is_named(bytes.substr(0, bytes.size() - 1), "the last byte is gone");
  is_named("", "empty");
  is_named(bytes + bytes, "twice as much");
  is_named(bytes + "x", "a byte too many");
  is_named("no frame at all, just some text that is long enough", "not zstd");
}

TEST(Onward, AChunkReplacedBetweenTwoTilesIsAnError) {
  const Shape shape{4000, 10, 10}, chunk{4000, 10, 10};
  const Chunked data(shape, chunk, 4), other(shape, chunk, 5);
  const Array x = data.array();
  const auto source = dynamic_cast<const ChunkedSource*>(x.node()->op->source().get())->onward(std::make_shared<PartDecoders>(Index{1} << 30));
  const auto read = [&](Index at) {
    Box box(shape);
    box.start[0] = at, box.shape[0] = 500;
    Buffer encoded(source->encoded_bytes(box)), out(box.count() * 4);
    source->decode(box, encoded.bytes(), View::contiguous(out.data(), DType::kFloat32, box.shape), Cancel());
  };
  read(0);
  std::filesystem::rename(other.folder / "a/c/0/0/0", data.folder / "a/c/0/0/0");
  try {
    read(500);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("replaced while it was read"), std::string::npos) << error.message();
  }
}

}  // namespace
}  // namespace freestone
