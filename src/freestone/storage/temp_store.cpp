#include "freestone/storage/temp_store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "freestone/storage/anonymous_file.h"
#include "freestone/storage/block_writer.h"
#include "freestone/storage/file.h"
#include "freestone/storage/manifest_source.h"

namespace freestone {
namespace {

class TempSink final : public Sink {
 public:
  TempSink(std::string folder, Spec spec, std::shared_ptr<const LocalFile> file, ChunkGrid grid, ElementTransform transform)
      : folder_(std::move(folder)), spec_(std::move(spec)), file_(std::move(file)), writer_(std::move(grid), 0, transform) {
    caps_.unit = Shape(spec_.shape.rank(), 1);
    caps_.run_bytes = Index{1} << 20;
  }
  const Spec& spec() const override { return spec_; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return file_->name(); }
  void create() override {
    check_free_space(folder_, spec_.bytes(), file_->name());
    set_length(file_->descriptor(), file_->name(), spec_.bytes());
  }
  Index scratch_bytes(const Box& box) const override { return writer_.scratch_bytes(box); }
  void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) override {
    writer_.write(file_->descriptor(), file_->name(), box, data, scratch, cancel);
  }
  void flush() override { ::fdatasync(file_->descriptor()); }
  void finish() override {}
  void abort() noexcept override { (void)!::ftruncate(file_->descriptor(), 0); }

  void forget() const { ::posix_fadvise(file_->descriptor(), 0, 0, POSIX_FADV_DONTNEED); }

 private:
  std::string folder_;
  Spec spec_;
  SinkCaps caps_;
  std::shared_ptr<const LocalFile> file_;
  BlockWriter writer_;
};

}  // namespace

std::shared_ptr<const LocalFile> anonymous_file(const std::string& folder, std::string name, Index bytes) {
  return LocalFile::adopt(open_anonymous(folder), std::move(name), bytes);
}

std::shared_ptr<const LocalFile> file_in_memory(std::string name, std::string_view bytes) {
  const int descriptor = ::memfd_create("freestone", MFD_CLOEXEC);
  if (descriptor < 0) fail_errno(errno, fmt::format("{}: no file can be made in memory", name));
  const auto file = LocalFile::adopt(descriptor, std::move(name), static_cast<Index>(bytes.size()));
  write_exactly(descriptor, file->name(), 0, std::as_bytes(std::span(bytes)));
  return file;
}

void TempStore::forget() const { static_cast<const TempSink&>(*sink_).forget(); }

TempStore::TempStore(std::string folder, Spec spec, Shape block) {
  for (int k = 0; k < block.rank(); ++k) block[k] = std::max<Index>(1, std::min(block[k], spec.shape[k]));
  const auto file = anonymous_file(folder, fmt::format("temporary store in {}", folder), spec.bytes());
  const ElementTransform transform{.stored = spec.dtype, .dtype = spec.dtype};
  const ChunkGrid grid(spec.shape, block);
  const BlockWriter order(grid, 0, transform);
  Manifest manifest;
  manifest.files = {file};
  manifest.grid = grid;
  manifest.chunks.reserve(static_cast<std::size_t>(grid.count()));
  for (Index i = 0; i < grid.count(); ++i) {
    manifest.chunks.push_back({0, order.block_offset(i), grid.box(i).count() * size_of(spec.dtype)});
  }
  manifest.transform = transform;
  manifest.reference = "{}";
  sink_ = std::make_shared<TempSink>(std::move(folder), std::move(spec), file, grid, transform);
  source_ = std::make_shared<ManifestSource>(std::move(manifest));
}

}  // namespace freestone
