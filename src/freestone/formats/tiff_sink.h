/// TiffSink: writes tiles or strips in parallel, those of overviews too, and the directories that list them.
#pragma once

#include <atomic>
#include <optional>

#include "freestone/core/source.h"
#include "freestone/formats/tiff_directory.h"
#include "freestone/formats/tiff_pyramid.h"
#include "freestone/storage/codec.h"
#include "freestone/storage/kept_parts.h"
#include "freestone/storage/output_file.h"

namespace freestone::formats::tiff {

struct TiffOutput {
  Spec spec;                    ///< (y, x) or (band, y, x)
  Shape chunk;                  ///< on the array's axes; overviews have the same
  bool is_tiled = true;         ///< tiles at the edge are filled up, strips cut
  CodecChain codecs;            ///< empty: chunks have their places beforehand
  std::optional<bool> is_big;   ///< BigTIFF; a COG may leave it open until sizes are known
  bool is_cog = false;
  std::vector<TagToWrite> tags; ///< without the lists of chunks

  struct Overview {
    bool is_written = true;     ///< false: only on the way to the next
    std::vector<TagToWrite> tags;
  };
  std::vector<Overview> overviews;  ///< each of half the width and height of the one before
  Resampling resampling = Resampling::kAverage;
  Missing missing;
};

/// A chunk is encoded by who brings its last element, and written at the end of the file as it is then; a COG's go to a file without a
/// name, from where they come into their order when the last one is there. What covers part of a chunk waits in memory for the rest; tiles
/// that start at `caps().unit` never need it. A killed run cannot be taken up: only the finished file says where its chunks are.
class TiffSink final : public Sink {
 public:
  TiffSink(std::string path, bool overwrite, TiffOutput output);

  const Spec& spec() const override { return output_.spec; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return file_.path(); }
  void create() override;
  void flush() override { file_.flush(); }
  Index scratch_bytes(const Box& box) const override;
  Index contiguous_scratch_bytes(const Box& box) const override;
  void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) override;
  /// @throws Error kind internal: part of a chunk never came; kind io
  void finish() override;
  void abort() noexcept override;

 private:
  using Place = ChunkPlace;
  struct Level {
    ChunkGrid chunks;
    bool is_written = true;
    std::vector<Place> places;
  };
  /// A chunk of the image, and the tiles of overviews that become whole by it.
  void write_chunk(Index number, const View& data, Scratch& scratch, const Cancel& cancel);
  void store(int level, Index number, const View& data, Scratch& scratch);
  /// A COG's tiles into their order, with the directories in front; called by who stored the last one.
  void arrange(const Cancel& cancel);
  /// Bytes of the chunk as it is stored: as it is in the file when nothing is compressed.
  Index raw_bytes(const Box& box) const;
  Index place_of(Index number) const;
  Index header_length() const { return output_.is_big.value_or(false) ? 16 : 8; }
  /// Those of the levels that are written.
  std::vector<DirectoryToWrite> directories() const;
  [[noreturn]] void fail_too_large(Index bytes) const;

  TiffOutput output_;
  SinkCaps caps_;
  OutputFile file_;
  KeptParts parts_;
  std::vector<Level> levels_;  // the image, then its overviews
  std::unique_ptr<Pyramid> pyramid_;
  std::unique_ptr<AnonymousFile> unordered_;
  std::atomic<Index> end_ = 0, left_ = 0;
  Index reserved_ = 0;
};

}  // namespace freestone::formats::tiff
