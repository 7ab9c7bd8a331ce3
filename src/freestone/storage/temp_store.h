/// TempStore: one array on disk for the length of a run.
///
/// An intermediate that does not fit the budget is written in the order of the stage that makes it and read in the order
/// of the stage that takes it. The file has no name, so that it goes with the process whatever happens.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "freestone/core/source.h"
#include "freestone/storage/file.h"

namespace freestone {

class TempStore {
 public:
  /// @param folder where the file is made
  /// @param block  shape of the blocks, each stored together in C order; any box may be written and read
  /// @param past_page_cache  whole blocks are written past the system's page cache, behind the caller (storage/write_behind.h, whose
  ///   memory the caller leases), where the blocks are large enough and the file system can; read only after the sink's `finish`
  /// @throws Error kind io: the folder is missing or not writable
  TempStore(std::string folder, Spec spec, Shape block, bool past_page_cache = false);

  /// The same in a file with a name, which several processes open and which whoever made its folder removes. It is made when it is not
  /// there; `create` gives it its length, and asks for no space.
  /// @throws Error kind io
  static TempStore named(const std::string& path, Spec spec, Shape block);
  /// The source of a named store by its `reference`; null when that is none of a store.
  /// @throws Error kind data: damaged; io
  static std::shared_ptr<const Source> open_reference(const std::string& reference);

  /// Its `create` gives the file its length and may throw Error kind io: too little space. `finish` waits for what is still being written.
  /// The file lives until sink and source are gone; `abort` gives its space back at once.
  std::shared_ptr<Sink> sink() const { return sink_; }
  /// May be asked for at any time, but read only after `sink()->create()` and where boxes were written.
  std::shared_ptr<const Source> source() const { return source_; }
  /// Asks the system to drop what it keeps of the file in memory (flush before): the next read comes from the disk.
  void forget() const;

 private:
  TempStore() = default;
  void open(std::string folder, std::shared_ptr<const LocalFile> file, const ChunkGrid& grid, Spec spec, Index block_bytes, std::string reference);

  std::shared_ptr<Sink> sink_;
  std::shared_ptr<const Source> source_;
};

}  // namespace freestone
