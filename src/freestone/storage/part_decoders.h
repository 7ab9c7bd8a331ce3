/// PartDecoders: chunks that were decoded up to some element, for the tiles that go on from there.
///
/// Tiles that cut chunks along their slowest axis, one after another, want of each chunk a piece, then the next. A codec that can stop
/// decodes the chunk once for all of them; what is kept between two tiles is its decoder, small beside the decoded chunk. A decoder that
/// finds no room is dropped: the next tile begins the chunk anew.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "freestone/core/source.h"
#include "freestone/storage/codec.h"

namespace freestone {

class PartDecoders {
 public:
  struct Started {
    std::unique_ptr<PartDecoder> decoder;
    Index used = 0, made = 0;  ///< encoded and raw bytes of the chunk that are behind it
    Identity file;             ///< that it reads
  };

  /// @param limit_bytes of the decoders that wait; the caller has leased them
  explicit PartDecoders(Index limit_bytes) : limit_(limit_bytes) {}

  /// The decoder of chunk `number` that has made at most `made` raw bytes; without a decoder: there is none. Thread-safe.
  /// @param source one reading of an array: another, elsewhere in the same chunks, has decoders of its own
  Started take(const void* source, Index number, Index made);
  /// Keeps a decoder for the next `take`.
  void keep(const void* source, Index number, Started started);

  Index bytes() const;

 private:
  const Index limit_;
  mutable std::mutex mutex_;
  Index bytes_ = 0;
  std::map<std::pair<const void*, Index>, Started> waiting_;
};

}  // namespace freestone
