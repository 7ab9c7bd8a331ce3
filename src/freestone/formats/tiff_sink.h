/// TiffFile: writes tiles or strips in parallel, those of overviews and of a mask too, and the directories that list them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "freestone/core/source.h"
#include "freestone/formats/tiff_directory.h"
#include "freestone/formats/tiff_pyramid.h"
#include "freestone/storage/codec.h"
#include "freestone/storage/kept_parts.h"
#include "freestone/storage/output_file.h"

namespace freestone::formats::tiff {

/// An image, or the mask of one, and its overviews.
struct TiffImage {
  Spec spec;                    ///< (y, x) or (band, y, x)
  Shape chunk;                  ///< on the array's axes; overviews have the same
  bool is_tiled = true;         ///< tiles at the edge are filled up, strips cut
  CodecChain codecs;            ///< empty: chunks have their places beforehand
  std::vector<TagToWrite> tags; ///< without the lists of chunks

  struct Overview {
    bool is_written = true;     ///< false: only on the way to the next
    std::vector<TagToWrite> tags;
  };
  std::vector<Overview> overviews;  ///< each of half the width and height of the one before
  Resampling resampling = Resampling::kAverage;
  Missing missing;
};

struct TiffOutput {
  std::vector<TiffImage> images;  ///< the image; then its mask, where it has one, with as many overviews
  std::optional<bool> is_big;     ///< BigTIFF; a COG may leave it open until sizes are known
  bool is_cog = false;
};

/// A chunk is encoded by who brings its last element, and written at the end of the file as it is then; a COG's go to a file without a
/// name, from where they come into their order when the last one is there. What covers part of a chunk waits in memory for the rest; tiles
/// that start at `caps().unit` never need it. A killed run cannot be taken up: only the finished file says where its chunks are.
class TiffFile {
 public:
  TiffFile(std::string path, bool overwrite, TiffOutput output);

  const std::string& path() const { return file_.path(); }
  const Spec& spec(std::size_t image) const { return images_[image]->what.spec; }
  const SinkCaps& caps(std::size_t image) const { return images_[image]->caps; }
  /// The first call makes the file.
  void create();
  void flush() { file_.flush(); }
  Index scratch_bytes(std::size_t image) const;
  Index contiguous_scratch_bytes(std::size_t image, const Box& box) const;
  void write(std::size_t image, const Box& box, const View& data, Scratch& scratch, const Cancel& cancel);
  /// The last call, one for each image, writes the directories.
  /// @throws Error kind internal: part of a chunk never came; kind io
  void finish();
  void abort() noexcept;

 private:
  using Place = ChunkPlace;
  struct Level {
    ChunkGrid chunks;
    bool is_written = true;
    std::vector<Place> places;
  };
  struct Image {
    TiffImage what;
    SinkCaps caps;
    KeptParts parts;
    std::vector<Level> levels;  // the image, then its overviews
    std::unique_ptr<Pyramid> pyramid;
    Index chunk_bytes() const { return element_count(what.chunk) * size_of(what.spec.dtype); }
  };
  /// A chunk of the image, and the tiles of overviews that become whole by it.
  void write_chunk(Image& image, Index number, const View& data, Scratch& scratch, const Cancel& cancel);
  void store(Image& image, std::size_t level, Index number, const View& data, Scratch& scratch);
  /// A COG's tiles into their order, with the directories in front; called by who stored the last one.
  void arrange(const Cancel& cancel);
  /// Whether chunks of the image have their places beforehand.
  bool has_places(const Image& image) const { return &image == images_.front().get() && image.what.codecs.empty() && !is_cog_; }
  Index place_of(Index number) const;
  Index header_length() const { return is_big_.value_or(false) ? 16 : 8; }
  /// Levels that are written, as their directories follow each other: an image, its mask, an overview, its mask.
  std::vector<std::pair<const std::vector<TagToWrite>*, Level*>> ordered();
  std::vector<DirectoryToWrite> directories();
  [[noreturn]] void fail_too_large(Index bytes) const;

  std::optional<bool> is_big_;
  const bool is_cog_;
  OutputFile file_;
  std::vector<std::unique_ptr<Image>> images_;
  std::unique_ptr<AnonymousFile> unordered_;
  std::atomic<Index> end_ = 0, left_ = 0;
  Index reserved_ = 0;
  std::mutex mutex_;
  std::size_t created_ = 0, finished_ = 0;
};

/// One image of a file; `abort` of one is the end of all.
class TiffSink final : public Sink {
 public:
  TiffSink(std::shared_ptr<TiffFile> file, std::size_t image) : file_(std::move(file)), image_(image) {}

  const Spec& spec() const override { return file_->spec(image_); }
  const SinkCaps& caps() const override { return file_->caps(image_); }
  std::string name() const override { return file_->path(); }
  void create() override { file_->create(); }
  void flush() override { file_->flush(); }
  Index scratch_bytes(const Box&) const override { return file_->scratch_bytes(image_); }
  Index contiguous_scratch_bytes(const Box& box) const override { return file_->contiguous_scratch_bytes(image_, box); }
  void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) override { file_->write(image_, box, data, scratch, cancel); }
  void finish() override { file_->finish(); }
  void abort() noexcept override { file_->abort(); }

 private:
  std::shared_ptr<TiffFile> file_;
  std::size_t image_;
};

}  // namespace freestone::formats::tiff
