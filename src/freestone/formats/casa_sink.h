/// CasaSink: writes an image's tiles, and the bits of its mask, at their places; the tables around them last.
#pragma once

#include <atomic>

#include "freestone/core/source.h"
#include "freestone/storage/codec.h"
#include "freestone/storage/kept_parts.h"
#include "freestone/storage/output_folder.h"
#include "freestone/storage/temporary_output.h"

namespace freestone::formats::casa {

struct CasaOutput {
  Spec spec;
  Shape tile;  ///< on the array's axes
  struct File {
    std::string name, text;
  };
  /// The files around the pixels; those of an image with a mask are others than of one without.
  std::vector<File> without_mask, with_mask;
};

/// Every tile is stored whole and has its place beforehand, so a killed run can be taken up. What covers part of a tile waits in memory for
/// the rest; tiles that start at `caps().unit` never need it, and a run that did cannot be taken up.
class CasaSink final : public Sink {
 public:
  CasaSink(std::string path, bool overwrite, CasaOutput output);
  ~CasaSink() override;

  const Spec& spec() const override { return output_.spec; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return folder_.path(); }
  void create() override;
  std::string journal_path() const override { return folder_.journal_path(); }
  std::string description() const override;
  std::string token() const override { return output_token(folder_.temporary_path()); }
  Whereabouts find(const std::string& token) const override { return find_output(token, folder_.temporary_path(), folder_.path()); }
  void resume() override;
  void leave() noexcept override;
  void clean_up() override { folder_.clean_up(); }
  void flush() override { folder_.flush(); }
  Index scratch_bytes(const Box& box) const override;
  Index contiguous_scratch_bytes(const Box& box) const override;
  void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) override;
  /// @throws Error kind internal: part of a tile never came; kind io
  void finish() override;
  void abort() noexcept override;

 private:
  void write_tile(Index number, const View& data, Scratch& scratch);
  void open_files();
  void close_files() noexcept;
  Index tile_elements() const { return element_count(output_.tile); }
  Index mask_bytes() const { return (tile_elements() + 7) / 8; }

  CasaOutput output_;
  SinkCaps caps_;
  ChunkGrid tiles_;
  OutputFolder folder_;
  KeptParts parts_;
  CodecRef bits_ = bits_codec();
  int pixels_ = -1, mask_ = -1;  // descriptors
  std::once_flag marked_, saw_missing_;
};

}  // namespace freestone::formats::casa
