/// ManifestSource: reads boxes of what a Manifest describes.
#pragma once

#include "freestone/core/source.h"
#include "freestone/storage/manifest.h"

namespace freestone {

class ReadBatch;

/// `fetch` lands the stored elements of the box in C order: contiguous runs are one request, small gaps are read over,
/// requests are split at 8 MiB. `decode` converts them, in place where elements keep their size.
class ManifestSource final : public Source {
 public:
  /// @throws Error kind data: chunks that do not match the grid or lie outside their file
  explicit ManifestSource(Manifest manifest);

  const Spec& spec() const override { return spec_; }
  const ChunkGrid& chunks() const override { return manifest_.grid; }
  Identity identity() const override;
  std::string reference() const override { return manifest_.reference; }
  const Manifest& manifest() const { return manifest_; }

  ReadCost cost(const Box& box) const override;
  Index encoded_bytes(const Box& box) const override { return box.count() * element_bytes_; }
  bool decodes_in_place() const override { return manifest_.transform.keeps_size(); }
  void fetch(const Box& box, std::span<std::byte> encoded, const Cancel& cancel) const override;
  void decode(const Box& box, std::span<std::byte> encoded, const View& out, const Cancel& cancel) const override;

 private:
  void fetch_part(const File& file, Index offset, const Box& part, const Shape& block, const Box& target, std::byte* memory, ReadBatch& batch,
                  const Cancel& cancel) const;
  Manifest manifest_;
  Spec spec_;
  Index element_bytes_;
};

}  // namespace freestone
