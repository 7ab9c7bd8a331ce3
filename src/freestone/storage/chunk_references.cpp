#include "freestone/storage/chunk_references.h"

namespace freestone {
namespace {

// As many as are read side by side, and some; a process may have 1024 open.
constexpr std::size_t kMostOpen = 128;

}  // namespace

std::shared_ptr<const File> OpenFiles::open(std::int32_t number) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_number_.find(number); found != by_number_.end()) {
      open_.splice(open_.begin(), open_, found->second);
      return open_.front().file;
    }
  }
  auto file = File::open(path(number));
  const std::lock_guard lock(mutex_);
  if (const auto found = by_number_.find(number); found != by_number_.end()) return found->second->file;
  open_.push_front({number, file});
  by_number_[number] = open_.begin();
  if (open_.size() > kMostOpen) {
    by_number_.erase(open_.back().number);
    open_.pop_back();
  }
  return file;
}

ChunkReferences::ChunkReferences(std::string name, ChunkGrid grid, std::shared_ptr<const File> list, std::shared_ptr<const OpenFiles> files,
                                 std::shared_ptr<const File> inlined, std::map<Index, ChunkReference> chunks)
    : name_(std::move(name)), grid_(std::move(grid)), list_(std::move(list)), files_(std::move(files)), inlined_(std::move(inlined)),
      chunks_(std::move(chunks)) {}

StoredChunk ChunkReferences::find(const Dims& position) const {
  const auto found = chunks_.find(grid_.index_of(position));
  if (found == chunks_.end()) return {};
  const ChunkReference& chunk = found->second;
  if (chunk.file == ChunkReference::kInline) return {inlined_, chunk.offset, chunk.bytes};
  auto file = files_->open(chunk.file);
  if (chunk.bytes == ChunkReference::kWholeFile) {
    const Index bytes = file->size();
    return {std::move(file), 0, bytes};
  }
  if (chunk.bytes > file->size() || chunk.offset > file->size() - chunk.bytes) {
    fail(ErrorKind::kData, "{}: chunk {} has {} bytes at offset {}; {} ends at {}. The references are of another file, or it was cut short.", name_,
         to_string(position), chunk.bytes, chunk.offset, file->name(), file->size());
  }
  return {std::move(file), chunk.offset, chunk.bytes};
}

std::string ChunkReferences::name_of(const Dims& position) const {
  const auto found = chunks_.find(grid_.index_of(position));
  const bool is_elsewhere = found != chunks_.end() && found->second.file != ChunkReference::kInline;
  return is_elsewhere ? fmt::format("{} ({})", files_->path(found->second.file), name_) : name_;
}

}  // namespace freestone
