// Random numbers in compressed chunks on disk, and the same numbers in memory.
#pragma once

#include <atomic>
#include <random>
#include <string>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/exec/compute.h"
#include "freestone/storage/chunk_files.h"
#include "freestone/storage/chunked_sink.h"
#include "freestone/storage/chunked_source.h"
#include "freestone/storage/codec.h"
#include "freestone/storage/file.h"
#include "storage/temporary_folder.h"

namespace freestone::testing_chunks {

inline ComputeOptions with(Index memory, int threads) {
  ComputeOptions options;
  options.settings = {memory, threads, "/var/tmp"};
  return options;
}

inline std::string key(const Dims& position) {
  std::string name = "c";
  for (int k = 0; k < position.rank(); ++k) name += "/" + std::to_string(position[k]);
  return name;
}

/// Passes bytes on to another codec; what a test looks at stands in its decode.
class PassingCodec : public Codec {
 public:
  explicit PassingCodec(std::shared_ptr<const Codec> codec) : codec_(std::move(codec)) {}
  std::string_view name() const override { return codec_->name(); }
  Index largest_encoded(Index bytes) const override { return codec_->largest_encoded(bytes); }
  Index encode(ConstBytes from, Bytes to) const override { return codec_->encode(from, to); }
  Index decode(ConstBytes from, Bytes to) const override { return codec_->decode(from, to); }

 private:
  std::shared_ptr<const Codec> codec_;
};

/// Counts what is decoded: chunks in one go, and bytes, in parts too.
class CountingCodec final : public PassingCodec {
 public:
  explicit CountingCodec(CodecRef codec) : PassingCodec(codec), codec_(std::move(codec)) {}
  Index decode(ConstBytes from, Bytes to) const override {
    ++decoded;
    const Index bytes = PassingCodec::decode(from, to);
    made += bytes;
    return bytes;
  }
  std::unique_ptr<PartDecoder> part_decoder() const override { return std::make_unique<Parts>(codec_->part_decoder(), made); }
  Index part_decoder_bytes(ConstBytes head) const override { return codec_->part_decoder_bytes(head); }
  mutable std::atomic<int> decoded{0};
  mutable std::atomic<Index> made{0};

 private:
  struct Parts final : PartDecoder {
    Parts(std::unique_ptr<PartDecoder> decoder, std::atomic<Index>& made_) : inner(std::move(decoder)), made(made_) {}
    Step step(ConstBytes from, Bytes to) override {
      const Step done = inner->step(from, to);
      made += done.made;
      return done;
    }
    Index bytes() const override { return inner->bytes(); }
    std::unique_ptr<PartDecoder> inner;
    std::atomic<Index>& made;
  };
  CodecRef codec_;
};

struct Chunked {
  testing_files::Folder folder;
  Shape shape, chunk;
  std::vector<float> values;

  Chunked(Shape shape_, Shape chunk_, unsigned seed) : Chunked(shape_, chunk_, some_values(element_count(shape_), seed)) {}
  Chunked(Shape shape_, Shape chunk_, std::vector<float> values_) : shape(shape_), chunk(chunk_), values(std::move(values_)) {
    ChunkedOutput output{.spec = {shape, DType::kFloat32}, .chunk = chunk, .codecs = codecs(), .transform = transform(), .key = key};
    output.files.push_back({"meta", "an array"});
    ChunkedSink sink(folder / "a", false, std::move(output));
    sink.create();
    const Box whole(shape);
    Buffer memory(sink.scratch_bytes(whole));
    Scratch scratch(memory.bytes());
    sink.write(whole, View::contiguous(values.data(), DType::kFloat32, shape), scratch, Cancel());
    sink.finish();
  }
  static std::vector<float> some_values(Index count, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& v : values) v = static_cast<float>(random() % 1000) / 8;
    return values;
  }
  static CodecChain codecs() { return CodecChain({zstd_codec(1)}); }
  static ElementTransform transform() {
    ElementTransform t;
    t.stored = t.dtype = DType::kFloat32;
    return t;
  }
  static Array array_at(const std::string& path, const Shape& shape, const Shape& chunk, CodecChain codecs = Chunked::codecs()) {
    Identity identity = File::open(path + "/meta")->identity();
    identity.path = path;
    ChunkedLayout layout{.grid = ChunkGrid(shape, chunk), .codecs = std::move(codecs), .transform = transform()};
    return from_source(std::make_shared<ChunkedSource>(std::move(layout), std::make_shared<ChunkFiles>(path, path + "/meta", identity, key)));
  }
  Array array(CodecChain with = Chunked::codecs()) const { return array_at(folder / "a", shape, chunk, std::move(with)); }
};

}  // namespace freestone::testing_chunks
