/// RawSink: writes an array as plain C-order numbers at an offset of a file (FITS, npy).
#pragma once

#include <vector>

#include "freestone/core/source.h"
#include "freestone/storage/file.h"
#include "freestone/storage/block_writer.h"
#include "freestone/storage/output_file.h"
#include "freestone/storage/temporary_output.h"

namespace freestone {

/// What surrounds the pixels.
struct RawLayout {
  Shape shape;
  ElementTransform transform;
  Index data_offset = 0;
  Index file_bytes = 0;  ///< all in all
  struct Block {
    Index offset = 0;
    std::string bytes;
  };
  std::vector<Block> blocks;  ///< written by `finish`, in this order: the header comes last
};

/// Boxes may come in any order from many threads; each is encoded in pieces of at most 1 MiB and written in runs.
class RawSink final : public Sink {
 public:
  RawSink(std::string path, bool overwrite, RawLayout layout);

  const Spec& spec() const override { return spec_; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return output_.path(); }
  void create() override;
  std::string journal_path() const override { return output_.journal_path(); }
  std::string description() const override;
  std::string token() const override { return output_token(output_.temporary_path()); }
  Whereabouts find(const std::string& token) const override { return find_output(token, output_.temporary_path(), output_.path()); }
  void resume() override { output_.resume(layout_.file_bytes); }
  void flush() override { output_.flush(); }
  Index scratch_bytes(const Box& box) const override { return writer_.scratch_bytes(box); }
  void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) override;
  void finish() override;
  void abort() noexcept override { output_.abort(); }

 private:
  RawLayout layout_;
  Spec spec_;
  SinkCaps caps_;
  OutputFile output_;
  BlockWriter writer_;
};

}  // namespace freestone
