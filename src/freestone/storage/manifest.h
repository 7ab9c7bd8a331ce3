/// Manifest: a stored array as a grid of chunks, each a range of bytes in a file.
///
/// For data that is stored raw: format code reads metadata only and makes one of these; ManifestSource reads any box of it
/// without taking whole chunks. A plain file is one chunk, the whole array; one whose records lie apart, with those of other arrays
/// between them (netCDF-3), is one chunk too, with a stride. Chunks behind codecs are a ChunkedSource's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "freestone/core/chunk_grid.h"
#include "freestone/storage/element_transform.h"
#include "freestone/storage/file.h"

namespace freestone {

/// Where one chunk lies; `file` is an index into the manifest's files, or kAbsent: never written, every element is fill.
struct ChunkRef {
  static constexpr std::int32_t kAbsent = -1;
  std::int32_t file = 0;
  Index offset = 0;
  Index bytes = 0;
};

struct Manifest {
  std::vector<std::shared_ptr<const File>> files;
  ChunkGrid grid;
  std::vector<ChunkRef> chunks;       ///< one for each chunk of the grid, C order
  bool edge_chunks_are_cut = true;    ///< chunks at the edge hold only what is inside the array (Zarr: whole ones)
  /// Bytes between neighbours along axis 0 of every chunk, when other things lie between them; 0: they lie side by side. The bytes of such a
  /// chunk reach from its first element to its last.
  Index record_stride = 0;
  ElementTransform transform;
  std::vector<std::byte> fill;        ///< one stored element in stored byte order; empty means zero
  std::string reference;              ///< JSON text, see Source::reference
};

/// The manifest of one raw C-order array at `offset` of `file`.
Manifest contiguous_manifest(std::shared_ptr<const File> file, Index offset, const Shape& shape, const ElementTransform& transform,
                             std::string reference);
/// As before, of an array with at least one axis; see Manifest::record_stride.
Manifest record_manifest(std::shared_ptr<const File> file, Index offset, const Shape& shape, Index record_stride, const ElementTransform& transform,
                         std::string reference);

}  // namespace freestone
