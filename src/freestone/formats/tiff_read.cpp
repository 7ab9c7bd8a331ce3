#include <algorithm>
#include <filesystem>
#include <set>

#include "freestone/base/log.h"
#include "freestone/formats/note.h"
#include "freestone/formats/tiff.h"
#include "freestone/formats/tiff_metadata.h"
#include "freestone/storage/location.h"

namespace freestone::formats::tiff {
namespace {

// Stacks of a microscope have thousands of pages.
constexpr std::size_t kMostDirectories = 65536;

// Some files share values between directories; thousands that share long lists are made to fill memory.
constexpr Index kMostShared = 16, kSharedRoom = Index{16} << 20;

/// Directories that were met, so that loops and what pretends to be large end.
class Met {
 public:
  explicit Met(const File& file) : file_(file.name()), room_(kMostShared * file.size() + kSharedRoom) {}
  void add_values(const Directory& directory) {
    room_ -= directory.value_bytes();
    if (room_ < 0) fail(ErrorKind::kData, "{}: its {} directories hold more values than the file. It is damaged.", file_, offsets_.size());
  }
  void add(Index offset) {
    if (!offsets_.insert(offset).second) {
      fail(ErrorKind::kData, "{}: its directories run in a circle: the one at offset {} comes again. The file is damaged.", file_, offset);
    }
    if (offsets_.size() > kMostDirectories) fail(ErrorKind::kUser, "{}: it holds more than {} images.", file_, kMostDirectories);
  }

 private:
  const std::string& file_;
  Index room_;
  std::set<Index> offsets_;
};

/// Names of images: those of a page count from 1.
class Names {
 public:
  std::string next(bool is_first, bool is_reduced, bool is_mask) {
    if (!is_reduced && !is_mask) {
      overviews_ = masked_overviews_ = 0;
      prefix_ = is_first ? "" : fmt::format("page_{}_", pages_ + 1);
      ++pages_;
      return is_first ? "" : fmt::format("page_{}", pages_);
    }
    if (is_mask) return prefix_ + (is_reduced ? fmt::format("overview_{}_mask", ++masked_overviews_) : "mask");
    return prefix_ + fmt::format("overview_{}", ++overviews_);
  }

 private:
  int pages_ = 0, overviews_ = 0, masked_overviews_ = 0;
  std::string prefix_;
};

/// @throws Error kind data alone: what cannot be read has a note
Variable variable_from(const std::shared_ptr<const File>& file, const Header& header, const Directory& directory, const std::string& name) {
  Variable variable{.name = name};
  try {
    const Image image = read_image(file->name(), directory);
    Metadata metadata = read_metadata(directory, image);
    variable.attributes = std::move(metadata.attributes);
    variable.dims = metadata.dims;
    if (variable.dims.empty()) variable.dims = image.bands > 1 ? std::vector<std::string>{"band", "y", "x"} : std::vector<std::string>{"y", "x"};
    variable.source = make_source(file, header, directory, image, std::move(metadata.fill), metadata.has_band_axis, name);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUser) throw;
    variable.note = note_of(error, file->name());
  }
  return variable;
}

bool is_reduced(const Directory& directory) { return (directory.integer(kNewSubfileType, directory.integer(kSubfileType, 1) == 2 ? 1 : 0) & 1) != 0; }
bool is_mask(const Directory& directory) { return (directory.integer(kNewSubfileType, 0) & 4) != 0; }

Contents images_of(const std::shared_ptr<const File>& file) {
  const Header header = read_header(*file);
  Contents contents{.format = "geotiff", .path = file->name()};
  Met met(*file);
  Names names;
  const auto put = [&](const Directory& directory, bool reduced) {
    const bool is_first = contents.variables.empty();
    const std::string name = names.next(is_first, reduced && !is_first, is_mask(directory) && !is_first);
    contents.variables.push_back(variable_from(file, header, directory, name));
    contents.variables.back().hdu = static_cast<int>(contents.variables.size()) - 1;
  };
  for (Index offset = header.first; offset != 0;) {
    met.add(offset);
    const Directory directory(*file, header, offset);
    met.add_values(directory);
    std::vector<Directory> below;
    for (const Index sub : directory.integers(kSubIfds, kMostDirectories)) {
      if (sub == 0) continue;
      met.add(sub);
      met.add_values(below.emplace_back(*file, header, sub));
    }
    // Cameras put a small picture first, and the image below it.
    const bool stands_for_another = is_reduced(directory) && contents.variables.empty();
    const auto full = std::find_if(below.begin(), below.end(), [](const Directory& d) { return !is_reduced(d) && !is_mask(d); });
    if (stands_for_another && full != below.end()) {
      put(*full, false);
      put(directory, true);
    } else {
      put(directory, is_reduced(directory));
    }
    for (const Directory& sub : below) {
      const bool is_done = stands_for_another && full != below.end() && sub.offset() == full->offset();
      if (!is_done) put(sub, true);
    }
    offset = directory.next();
  }
  return contents;
}

/// GDAL's mask of all bands in a file beside the image, "scene.tif.msk". Behind URLs it is not looked for: nearly no image has one.
void add_mask_beside(const File& file, Contents& contents) {
  const std::string path = file.name() + ".msk";
  std::error_code error;
  if (is_url(file.location()) || contents.variables.empty() || !std::filesystem::is_regular_file(path, error)) return;
  if (std::any_of(contents.variables.begin(), contents.variables.end(), [](const Variable& v) { return v.name == "mask"; })) return;
  try {
    Contents beside = images_of(File::open(path));
    if (beside.variables.empty()) return;
    Variable mask = std::move(beside.variables.front());
    if (!mask.note.empty()) fail(ErrorKind::kUser, "{}: {}.", path, mask.note);
    mask.name = "mask";
    mask.hdu = static_cast<int>(contents.variables.size());
    contents.variables.push_back(std::move(mask));
  } catch (const Error& problem) {
    log(LogLevel::kWarning, "The mask beside the image is left out: {}", problem.message());
  }
}

}  // namespace

Contents open(std::shared_ptr<const File> file) {
  Contents contents = images_of(file);
  add_mask_beside(*file, contents);
  return contents;
}

}  // namespace freestone::formats::tiff
