#include "freestone/storage/chunk_references.h"

#include <algorithm>

#include "freestone/storage/location.h"
#include "freestone/storage/remote_file.h"

namespace freestone {
namespace {

// As many as are read side by side, and some; a process may have 1024 open.
constexpr std::size_t kMostOpen = 128;

}  // namespace

OpenFiles::OpenFiles(std::vector<std::string> paths) : paths_(std::move(paths)) {
  if (std::ranges::any_of(paths_, is_url)) options_ = remote_options();
}

std::shared_ptr<const File> OpenFiles::open(std::int32_t wanted, bool asks_size) const {
  const bool is_remote = is_url(path(wanted));
  // A file of which the size is known is another one.
  const std::int64_t number = std::int64_t{2} * wanted + (is_remote && !asks_size ? 1 : 0);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_number_.find(number); found != by_number_.end()) {
      open_.splice(open_.begin(), open_, found->second);
      return open_.front().file;
    }
  }
  const RemoteScope scope(options_);
  auto file = is_remote && !asks_size ? RemoteFile::open_later(RemoteAddress(path(wanted), options_)) : File::open(path(wanted));
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

StoredChunk OpenFiles::chunk(const ChunkReference& place, const std::string& name, const Dims& position) const {
  auto file = open(place.file, place.bytes == ChunkReference::kWholeFile);
  if (place.bytes == ChunkReference::kWholeFile) {
    const Index bytes = file->size();
    return {std::move(file), 0, bytes};
  }
  if (place.bytes > file->size() || place.offset > file->size() - place.bytes) {
    fail(ErrorKind::kData, "{}: chunk {} has {} bytes at offset {}; {} ends at {}. The references are of another file, or it was cut short.", name,
         to_string(position), place.bytes, place.offset, file->name(), file->size());
  }
  return {std::move(file), place.offset, place.bytes};
}

ChunkReferences::ChunkReferences(std::string name, ChunkGrid grid, std::shared_ptr<const File> list, std::shared_ptr<const OpenFiles> files,
                                 std::shared_ptr<const File> inlined, std::map<Index, ChunkReference> chunks)
    : name_(std::move(name)), grid_(std::move(grid)), list_(std::move(list)), files_(std::move(files)), inlined_(std::move(inlined)),
      chunks_(std::move(chunks)) {
  has_whole_files_ = std::ranges::any_of(chunks_, [](const auto& chunk) {
    return chunk.second.file != ChunkReference::kInline && chunk.second.bytes == ChunkReference::kWholeFile;
  });
}

StoredChunk ChunkReferences::find(const Dims& position) const {
  const auto found = chunks_.find(grid_.index_of(position));
  if (found == chunks_.end()) return {};
  const ChunkReference& chunk = found->second;
  if (chunk.file == ChunkReference::kInline) return {inlined_, chunk.offset, chunk.bytes};
  return files_->chunk(chunk, name_, position);
}

std::string ChunkReferences::name_of(const Dims& position) const {
  const auto found = chunks_.find(grid_.index_of(position));
  const bool is_elsewhere = found != chunks_.end() && found->second.file != ChunkReference::kInline;
  return is_elsewhere ? fmt::format("{} ({})", files_->path(found->second.file), name_) : name_;
}

}  // namespace freestone
