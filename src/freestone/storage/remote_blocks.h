/// RemoteBlocks: the blocks of remote files that were read last, for all files of the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "freestone/base/quantity.h"

namespace freestone {

class RemoteBlocks {
 public:
  static constexpr Index kBlock = Index{256} << 10;
  using Bytes = std::shared_ptr<const std::vector<std::byte>>;

  static RemoteBlocks& of_process();
  /// A number that no other file has.
  std::uint64_t next_number();
  /// Null when it is not kept.
  Bytes find(std::uint64_t file, Index block);
  void keep(std::uint64_t file, Index block, Bytes bytes);
  void forget(std::uint64_t file);

 private:
  using Key = std::pair<std::uint64_t, Index>;
  struct Entry {
    Bytes bytes;
    std::list<Key>::iterator place;
  };
  std::mutex mutex_;
  std::map<Key, Entry> entries_;
  std::list<Key> used_;  // the last used first
  Index bytes_ = 0;
  std::uint64_t numbers_ = 0;
};

}  // namespace freestone
