#include "freestone/formats/zarr_store.h"

#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <map>
#include <mutex>

#include "freestone/storage/chunk_objects.h"
#include "freestone/storage/location.h"

namespace freestone::formats::zarr {
namespace {

namespace stdfs = std::filesystem;

// Consolidated metadata of ten thousands of arrays are some 20 MB.
constexpr Index kLargestMetadata = Index{256} << 20;
constexpr std::size_t kMostListed = 100'000;

std::string joined(const std::string& folder, const std::string& path) { return path.empty() ? folder : folder + "/" + path; }

class FolderStore final : public ZarrStore {
 public:
  explicit FolderStore(std::string folder) : folder_(std::move(folder)) {}

  std::string name(const std::string& path) const override { return joined(folder_, path); }
  std::string location(const std::string& path) const override {
    std::string absolute = location_below("", absolute_location(name(path)));
    while (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();
    return absolute;
  }
  std::optional<std::string> document(const std::string& path) const override {
    std::error_code error;
    if (!stdfs::is_regular_file(name(path), error)) return std::nullopt;
    const auto file = File::open(name(path));
    if (file->size() > kLargestMetadata)
      fail(ErrorKind::kData, "{}: metadata of {} are none. The file is damaged.", file->name(), format_bytes(file->size()));
    std::string text(static_cast<std::size_t>(file->size()), ' ');
    file->read_exactly(0, std::as_writable_bytes(std::span(text)));
    return text;
  }
  std::optional<std::vector<std::string>> folders(const std::string& path) const override {
    std::vector<std::string> out;
    std::error_code error;
    for (const auto& entry : stdfs::directory_iterator(name(path), error)) {
      if (entry.is_directory(error)) out.push_back(entry.path().filename().string());
    }
    if (error) fail_errno(error.value(), fmt::format("{}: cannot be listed", name(path)));
    return out;
  }
  std::shared_ptr<const ChunkMap> chunks(const std::string& path, const std::string& document, const std::string&, ArrayMetadata& array) const override {
    const std::string folder = name(path), metadata = folder + "/" + document;
    struct stat status {};
    if (stat(metadata.c_str(), &status) != 0) {
      fail(ErrorKind::kData, "{}: it is not there, although the metadata of its group list it.", metadata);
    }
    const Identity identity{folder, status.st_size, Index{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec,
                            static_cast<Index>(status.st_ino)};
    return std::make_shared<const ChunkFiles>(folder, metadata, identity, std::move(array.key), std::move(array.shards));
  }

 private:
  std::string folder_;
};

class UrlStore final : public ZarrStore {
 public:
  explicit UrlStore(const std::string& url) : root_(url, remote_options()) {}

  std::string name(const std::string& path) const override { return address(path).shown(); }
  std::string location(const std::string& path) const override { return address(path).url(); }
  std::optional<std::string> document(const std::string& path) const override {
    RemoteVersion version;
    auto text = read_text(address(path), kLargestMetadata, &version);
    const std::lock_guard lock(mutex_);
    if (text) documents_[path] = {version, std::hash<std::string>()(*text)};
    return text;
  }
  std::optional<std::vector<std::string>> folders(const std::string& path) const override {
    if (!root_.is_s3()) return std::nullopt;
    return list_folder(address(path), kMostListed).folders;
  }
  std::shared_ptr<const ChunkMap> chunks(const std::string& path, const std::string& document, const std::string& group_document,
                                         ArrayMetadata& array) const override {
    const std::string own = path.empty() ? document : path + "/" + document;
    // That of the group says more: it was read, and the array's own was not.
    const std::lock_guard lock(mutex_);
    const auto found = documents_.contains(own) ? documents_.find(own) : documents_.find(group_document);
    ensure(found != documents_.end(), "an array whose document was not read");
    const auto& [version, hash] = found->second;
    const Identity identity{name(path), version.bytes, 0, static_cast<Index>(hash >> 1) | 1};
    return std::make_shared<const ChunkObjects>(address(path), address(found->first), version, identity, std::move(array.key), std::move(array.shards));
  }

 private:
  struct Document {
    RemoteVersion version;
    std::size_t hash;
  };
  RemoteAddress address(const std::string& path) const { return path.empty() ? root_ : root_.below(path); }
  RemoteAddress root_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, Document> documents_;
};

}  // namespace

std::unique_ptr<const ZarrStore> ZarrStore::at(const std::string& location) {
  std::string folder = location;
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  if (is_url(folder)) return std::make_unique<const UrlStore>(folder);
  return std::make_unique<const FolderStore>(folder);
}

}  // namespace freestone::formats::zarr
