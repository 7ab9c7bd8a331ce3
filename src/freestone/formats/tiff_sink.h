/// TiffSink: writes tiles or strips in parallel, and the directory that lists them last.
#pragma once

#include <atomic>

#include "freestone/core/source.h"
#include "freestone/formats/tiff_metadata.h"
#include "freestone/storage/codec.h"
#include "freestone/storage/kept_parts.h"
#include "freestone/storage/output_file.h"

namespace freestone::formats::tiff {

struct TiffOutput {
  Spec spec;                    ///< (y, x) or (band, y, x)
  Shape chunk;                  ///< on the array's axes
  bool is_tiled = true;         ///< tiles at the edge are filled up, strips cut
  CodecChain codecs;            ///< empty: chunks have their places beforehand
  bool is_big = false;          ///< BigTIFF
  std::vector<TagToWrite> tags; ///< without the lists of chunks
};

/// A chunk is encoded by who brings its last element, and written at the end of the file as it is then. What covers part of a chunk
/// waits in memory for the rest; tiles that start at `caps().unit` never need it. A killed run cannot be taken up: only the finished
/// file says where its chunks are.
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
  struct Place {
    Index offset = 0, bytes = 0;
  };
  void write_chunk(Index number, const View& data, Scratch& scratch);
  /// Bytes of the chunk as it is stored: as it is in the file when nothing is compressed.
  Index raw_bytes(const Box& box) const;
  Index place_of(Index number) const;
  /// The directory, to be written at `offset`.
  std::string directory(Index offset) const;

  TiffOutput output_;
  SinkCaps caps_;
  ChunkGrid chunks_;
  OutputFile file_;
  KeptParts parts_;
  std::vector<Place> places_;
  std::atomic<Index> end_ = 0;
  Index reserved_ = 0;
};

}  // namespace freestone::formats::tiff
