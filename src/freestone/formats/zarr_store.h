/// ZarrStore: where the nodes of a Zarr hierarchy are. A folder on a disk, or what is below a URL.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "freestone/formats/zarr_metadata.h"

namespace freestone::formats::zarr {

/// Paths are seen from the store's root, "" is the root itself.
class ZarrStore {
 public:
  virtual ~ZarrStore() = default;
  /// @param location of the root, path or URL
  static std::unique_ptr<const ZarrStore> at(const std::string& location);

  /// For people, and for opening it again.
  virtual std::string name(const std::string& path) const = 0;
  virtual std::string location(const std::string& path) const = 0;
  /// All of a document; nothing when there is none.
  /// @throws Error kind io; kind data: it is larger than metadata can be
  virtual std::optional<std::string> document(const std::string& path) const = 0;
  /// Names of the folders in a folder; nothing when they cannot be listed.
  virtual std::optional<std::vector<std::string>> folders(const std::string& path) const = 0;
  /// The chunks of the array at `path`, which `document` describes ("zarr.json"). May move parts out of `array`.
  /// @param group_document of a group whose document holds this one's, too; "" for none
  virtual std::shared_ptr<const ChunkMap> chunks(const std::string& path, const std::string& document, const std::string& group_document,
                                                 ArrayMetadata& array) const = 0;
};

}  // namespace freestone::formats::zarr
