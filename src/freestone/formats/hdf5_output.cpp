#include <algorithm>

#include "freestone/formats/hdf5_make.h"
#include "freestone/formats/hdf5_sink.h"
#include "freestone/storage/output_file.h"

namespace freestone::formats::hdf5 {
namespace {

// No codec makes a chunk smaller than this part of it (deflate: 1032).
constexpr Index kBestRatio = 1100;
// What the library keeps, at most by default.
constexpr Index kLargestMetadataCache = Index{32} << 20;
constexpr Index kManyChunks = 1000;

class NewOutput final : public Output {
 public:
  NewOutput(FileToWrite file, bool overwrite) : Output(std::move(file)), file_(plan().path, overwrite) {}
  ~NewOutput() override { give_up(); }

  void flush() override { file_.flush(); }
  Index offset_of(std::size_t variable) const override { return offsets_[variable]; }
  int descriptor() override { return file_.descriptor(); }

 protected:
  void open() override {
    Index bytes = 0;
    for (const VariableToWrite& variable : plan().variables) bytes += variable.stored.codecs.empty() ? variable.spec.bytes() : variable.spec.bytes() / kBestRatio;
    file_.create(bytes);
    const LibraryLane lane;
    made_ = std::make_unique<MadeFile>(plan(), file_.descriptor(), chunks() > kManyChunks);
    offsets_ = made_->offsets();
    // Nothing is left for the library to say.
    if (chunks() == 0) made_->close();
  }

  Index place_chunk(std::size_t variable, const std::vector<hsize_t>& corner, ConstBytes chunk) override {
    if (!made_) fail(ErrorKind::kInternal, "{}: a chunk of an output that was given up", path());
    return made_->place_chunk(variable, corner, chunk);
  }
  void write_at(Index offset, ConstBytes bytes) override { file_.write_at(offset, bytes); }

  void complete() override {
    {
      const LibraryLane lane;
      made_->close();
      made_.reset();
    }
    file_.finish();
  }

  void give_up() noexcept override {
    if (made_) {
      const LibraryLane lane;
      made_.reset();
    }
    file_.abort();
  }

 private:
  OutputFile file_;
  std::vector<Index> offsets_;
  std::unique_ptr<MadeFile> made_;  // changed in the lane
};

}  // namespace

Output::Output(FileToWrite plan) : plan_(std::move(plan)) {
  for (const VariableToWrite& variable : plan_.variables) {
    if (!variable.stored.chunk.empty()) chunks_ += ChunkGrid(variable.spec.shape, variable.stored.chunk).count();
  }
}

Index Output::metadata_bytes() const { return std::min<Index>(kLargestMetadataCache, (Index{64} << 10) + 64 * chunks_); }

void Output::create() {
  const std::lock_guard lock(mutex_);
  ensure(!is_aborted_, "an output that was given up is written again");
  if (is_open_ && plan_.sinks() > 1) return;
  try {
    open();
  } catch (...) {
    give_up();
    throw;
  }
  is_open_ = true;
}

void Output::finish() {
  const std::lock_guard lock(mutex_);
  ensure(!is_aborted_, "an output that was given up is finished");
  if (++finished_ == plan_.sinks()) complete();
}

void Output::abort() noexcept {
  const std::lock_guard lock(mutex_);
  is_aborted_ = true;
  give_up();
}

void Output::write_chunk(std::size_t variable, const std::vector<hsize_t>& corner, ConstBytes chunk) {
  Index offset = 0;
  {
    const LibraryLane lane;
    offset = place_chunk(variable, corner, chunk);
  }
  write_at(offset, chunk);
}

std::shared_ptr<Output> new_output(FileToWrite plan, bool overwrite) { return std::make_shared<NewOutput>(std::move(plan), overwrite); }

}  // namespace freestone::formats::hdf5
