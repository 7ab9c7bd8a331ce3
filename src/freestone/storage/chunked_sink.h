/// ChunkedSink: writes an array as files of chunks, or of shards that hold chunks, into a folder.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "freestone/core/source.h"
#include "freestone/storage/chunk_files.h"
#include "freestone/storage/element_transform.h"
#include "freestone/storage/file.h"
#include "freestone/storage/kept_parts.h"
#include "freestone/storage/output_folder.h"
#include "freestone/storage/shared_writing.h"
#include "freestone/storage/temporary_output.h"

namespace freestone {

struct ChunkedOutput {
  Spec spec;
  Shape chunk;                        ///< of what is encoded as one piece; those at the edge are filled up
  std::optional<ShardLayout> shards;  ///< none: a file is a chunk
  CodecChain codecs;
  ElementTransform transform;   ///< `dtype` is the array's
  std::vector<std::byte> fill;  ///< one element of the array; empty means zero
  bool writes_empty = false;    ///< whether chunks that hold nothing but `fill` are written
  ChunkKey key;
  struct File {
    std::string name, text;
  };
  std::vector<File> files;         ///< written by `finish`, in this order: what makes the folder an array comes last
  std::vector<std::string> marks;  ///< see OutputFolder
};

/// The temporary folder that the arrays of one output share: made by the first `create`, named by the last `finish`, gone for all of them
/// with one `abort`.
class ChunkedFolder {
 public:
  /// @param files  of the whole, written by the last `finish`, in this order
  ChunkedFolder(std::string path, bool overwrite, std::vector<std::string> marks, std::vector<ChunkedOutput::File> files, int sinks);

  OutputFolder& folder() { return folder_; }
  const OutputFolder& folder() const { return folder_; }
  bool is_shared() const { return sinks_ > 1; }
  /// The files of the whole, for Sink::description.
  std::string description() const;
  void create(Index bytes);
  void finish();
  void abort() noexcept;

 private:
  OutputFolder folder_;
  std::vector<ChunkedOutput::File> files_;
  int sinks_, finished_ = 0;
  bool created_ = false, aborted_ = false;
  std::mutex mutex_;
};

/// The unit is a file: a box that covers whole ones is encoded and written at once, in its scratch memory. What covers part of
/// a file is kept until the rest has come; tiles that start at `caps().unit` never need it, and a killed run that did cannot be taken up,
/// nor one whose output holds several arrays.
class ChunkedSink final : public Sink, public SharedWriting {
 public:
  ChunkedSink(std::string path, bool overwrite, ChunkedOutput output);
  /// One of several arrays; what it writes has names that begin with `prefix`: "tas/".
  ChunkedSink(std::shared_ptr<ChunkedFolder> folder, std::string prefix, ChunkedOutput output);

  const Spec& spec() const override { return output_.spec; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return folder().path(); }
  void create() override;
  std::string journal_path() const override { return shared_->is_shared() ? std::string() : folder().journal_path(); }
  std::string description() const override;
  std::string token() const override { return shared_->is_shared() ? std::string() : output_token(folder().temporary_path()); }
  Whereabouts find(const std::string& token) const override { return find_output(token, folder().temporary_path(), folder().path()); }
  void resume() override;
  void clean_up() override { folder().clean_up(); }
  void flush() override { folder().flush(); }
  Index scratch_bytes(const Box& box) const override;
  Index contiguous_scratch_bytes(const Box& box) const override;
  void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) override;
  /// @throws Error kind internal: part of a file never came
  void finish() override;
  void abort() noexcept override;
  void join() override { folder().join(); }
  void leave() noexcept override { folder().leave(); }
  bool takes_any_box() const override { return false; }

 private:
  OutputFolder& folder() { return shared_->folder(); }
  const OutputFolder& folder() const { return shared_->folder(); }
  /// Encodes and writes a file whose elements, as far as they are inside the array, are `data`.
  void write_file(const Dims& position, const View& data, Scratch& scratch, const Cancel& cancel);
  /// The raw bytes of a chunk: where `data` has them already, or gathered in memory of `scratch`; none when all is fill.
  ConstBytes raw_chunk(const View& data, Scratch& scratch) const;
  bool is_fill(ConstBytes raw) const;

  ChunkedOutput output_;
  SinkCaps caps_;
  ChunkGrid files_;
  std::vector<std::byte> stored_fill_;
  std::shared_ptr<ChunkedFolder> shared_;
  std::string prefix_;
  KeptParts parts_;
  std::once_flag marked_;  // parts were kept
};

}  // namespace freestone
