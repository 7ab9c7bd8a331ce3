#include "freestone/storage/chunk_table.h"

namespace freestone {

ChunkTable::ChunkTable(std::string name, ChunkGrid grid, std::vector<std::shared_ptr<const File>> files, std::vector<ListedChunk> chunks)
    : name_(std::move(name)), grid_(std::move(grid)), files_(std::move(files)), chunks_(std::move(chunks)) {
  ensure(!files_.empty() && static_cast<Index>(chunks_.size()) == grid_.count(), "a chunk table of another size than its grid");
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    const ListedChunk& chunk = chunks_[i];
    if (chunk.file == ListedChunk::kAbsent) continue;
    const File& file = *files_.at(static_cast<std::size_t>(chunk.file));
    if (chunk.offset < 0 || chunk.bytes < 0 || chunk.bytes > file.size() || chunk.offset > file.size() - chunk.bytes) {
      fail(ErrorKind::kData, "{}: the chunk at {} has {} bytes at offset {}; {} ends at {}. It is damaged or was cut short.", name_,
           to_string(grid_.box(static_cast<Index>(i))), chunk.bytes, chunk.offset, file.name(), file.size());
    }
  }
}

StoredChunk ChunkTable::find(const Dims& position) const {
  const ListedChunk& chunk = at(position);
  if (chunk.file == ListedChunk::kAbsent) return {};
  return {files_[static_cast<std::size_t>(chunk.file)], chunk.offset, chunk.bytes};
}

}  // namespace freestone
