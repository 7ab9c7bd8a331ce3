/// FitsTilesSink: writes an image as the rows of a table, each a compressed tile (FITS standard 4.0, section 10).
#pragma once

#include <atomic>

#include "freestone/core/source.h"
#include "freestone/storage/codec.h"
#include "freestone/storage/element_transform.h"
#include "freestone/storage/kept_parts.h"
#include "freestone/storage/output_file.h"

namespace freestone::formats::fits {

struct TilesOutput {
  Spec spec;
  Shape tile;                  ///< on the array's axes
  CodecChain codecs;
  ElementTransform transform;  ///< what the codecs get: stored numbers in native order
  std::string primary;         ///< the header of an empty primary HDU, in whole blocks
  std::string cards;           ///< of the table behind PCOUNT's: 80 characters each, without END
  std::string tables;          ///< further HDUs, in whole blocks
};

/// Tiles are compressed by who brings their last element and written at the end of the heap as it is then. What covers part of a tile waits in
/// memory for the rest; tiles that start at `caps().unit` never need it. A killed run cannot be taken up: only the finished table says where
/// its tiles are.
class FitsTilesSink final : public Sink {
 public:
  FitsTilesSink(std::string path, bool overwrite, TilesOutput output);

  const Spec& spec() const override { return output_.spec; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return file_.path(); }
  void create() override;
  void flush() override { file_.flush(); }
  Index scratch_bytes(const Box& box) const override;
  void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) override;
  /// @throws Error kind internal: part of a tile never came; kind io
  void finish() override;
  void abort() noexcept override;

 private:
  struct Place {
    Index bytes = 0, offset = 0;  ///< in the heap
  };
  void write_tile(Index number, const View& data, Scratch& scratch);
  std::string table_header(Index heap_bytes, Index longest) const;

  TilesOutput output_;
  SinkCaps caps_;
  ChunkGrid tiles_;
  OutputFile file_;
  KeptParts parts_;
  Index table_offset_ = 0, heap_offset_ = 0;
  std::vector<Place> places_;
  std::atomic<Index> end_ = 0;  // of the heap
};

}  // namespace freestone::formats::fits
