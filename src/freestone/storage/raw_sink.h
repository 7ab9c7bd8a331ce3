/// RawSink: writes an array as plain C-order numbers at an offset of a file (FITS, npy, netCDF-3).
#pragma once

#include <mutex>
#include <vector>

#include "freestone/core/source.h"
#include "freestone/storage/file.h"
#include "freestone/storage/block_writer.h"
#include "freestone/storage/output_file.h"
#include "freestone/storage/shared_writing.h"
#include "freestone/storage/temporary_output.h"

namespace freestone {

/// Bytes at an offset of a file.
struct RawBlock {
  Index offset = 0;
  std::string bytes;
};

/// What surrounds the pixels.
struct RawLayout {
  Shape shape;
  ElementTransform transform;
  Index data_offset = 0;
  Index record_stride = 0;  ///< see Manifest::record_stride
  Index file_bytes = 0;     ///< all in all
  std::vector<RawBlock> blocks;  ///< written by `finish`, in this order: the header comes last
};

/// A file of several arrays, none of which lies on another.
struct RawFileLayout {
  struct Array {
    Shape shape;
    ElementTransform transform;
    Index data_offset = 0;
    Index record_stride = 0;
  };
  std::vector<Array> arrays;
  Index file_bytes = 0;
  std::vector<RawBlock> blocks;  ///< written when the last array is finished
};

/// The temporary file that the sinks of one output share: made by the first `create`, named by the last `finish`, gone for all of them with
/// one `abort`.
class RawOutput {
 public:
  RawOutput(std::string path, bool overwrite, Index file_bytes, std::vector<RawBlock> blocks, int sinks);

  const std::string& path() const { return file_.path(); }
  const std::string& temporary_path() const { return file_.temporary_path(); }
  std::string journal_path() const { return file_.journal_path(); }
  int descriptor() { return file_.descriptor(); }
  bool is_shared() const { return sinks_ > 1; }
  /// The bytes beside the arrays, for Sink::description.
  std::string description() const;
  void create();
  void resume() { file_.resume(file_bytes_); }
  void join();
  void leave() noexcept { file_.leave(); }
  void flush() { file_.flush(); }
  void finish();
  void abort() noexcept;

 private:
  OutputFile file_;
  Index file_bytes_;
  std::vector<RawBlock> blocks_;
  int sinks_, finished_ = 0;
  bool created_ = false, aborted_ = false;
  std::mutex mutex_;
};

/// Boxes may come in any order from many threads; each is encoded in pieces of at most 1 MiB and written in runs. A killed run can be
/// taken up when the file is one array's.
class RawSink final : public Sink, public SharedWriting {
 public:
  RawSink(std::string path, bool overwrite, RawLayout layout);
  RawSink(std::shared_ptr<RawOutput> output, RawFileLayout::Array array);

  const Spec& spec() const override { return spec_; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return output_->path(); }
  void create() override { output_->create(); }
  std::string journal_path() const override { return output_->is_shared() ? std::string() : output_->journal_path(); }
  std::string description() const override;
  std::string token() const override { return output_->is_shared() ? std::string() : output_token(output_->temporary_path()); }
  Whereabouts find(const std::string& token) const override { return find_output(token, output_->temporary_path(), output_->path()); }
  void resume() override { output_->is_shared() ? Sink::resume() : output_->resume(); }
  void flush() override { output_->flush(); }
  Index scratch_bytes(const Box& box) const override { return writer_.scratch_bytes(box); }
  void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) override;
  void finish() override { output_->finish(); }
  void abort() noexcept override { output_->abort(); }
  void join() override { output_->join(); }
  void leave() noexcept override { output_->leave(); }
  bool takes_any_box() const override { return true; }

 private:
  std::shared_ptr<RawOutput> output_;
  Spec spec_;
  SinkCaps caps_;
  Index data_offset_;
  BlockWriter writer_;
};

/// A sink for each array, in their order.
std::vector<std::shared_ptr<Sink>> raw_sinks(std::string path, bool overwrite, RawFileLayout layout);

}  // namespace freestone
