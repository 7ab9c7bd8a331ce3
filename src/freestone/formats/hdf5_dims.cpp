#include "freestone/formats/hdf5_dims.h"

#include <algorithm>
#include <map>

namespace freestone::formats::hdf5 {
namespace {

std::string last_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }
std::string folder_of(const std::string& path) { return path.find('/') == std::string::npos ? "" : path.substr(0, path.rfind('/')); }

struct Dimension {
  std::string name;
  Index length = 0;
  bool is_unlimited = false;
};

void lengthen(Dataset& dataset, const Shape& shape) {
  const ChunkGrid from(dataset.shape, dataset.chunk), to(shape, dataset.chunk);
  // As many as somebody may have written along an unlimited axis, but not what a damaged length promises.
  if (to.count() > std::max<Index>(Index{1} << 20, 64 * (from.count() + 1))) return;
  std::vector<ListedChunk> chunks(static_cast<std::size_t>(to.count()));
  Dims position(shape.rank());
  for (Index i = 0; i < from.count(); ++i) {
    const Box box = from.box(i);
    for (int k = 0; k < shape.rank(); ++k) position[k] = box.start[k] / dataset.chunk[k];
    chunks[static_cast<std::size_t>(to.index_of(position))] = dataset.chunks[static_cast<std::size_t>(i)];
  }
  dataset.chunks = std::move(chunks);
  dataset.shape = shape;
}

class Namer {
 public:
  explicit Namer(std::vector<Dataset>& datasets) : datasets_(datasets) {
    for (const Dataset& d : datasets_) {
      if (!d.attributes.is_scale || d.shape.empty()) continue;
      scales_[d.address] = {last_of(d.path), d.shape[0], d.is_unlimited[0]};
      const std::int64_t id = d.attributes.dimension_id.value_or(next_id_);
      if (id >= 0 && id < INT32_MAX) next_id_ = std::max(next_id_, id + 1);
      ids_[id] = d.address;
      for (const Attachment& attachment : d.attributes.attached_to) attached_.emplace(std::pair(attachment.dataset, attachment.axis), d.address);
    }
    for (std::size_t i = 0; i < datasets_.size(); ++i) {
      const Dataset& d = datasets_[i];
      for (int k = 0; k < d.shape.rank(); ++k) {
        if (const auto scale = scale_of(d, k); scale && d.is_unlimited[static_cast<std::size_t>(k)]) {
          Dimension& dimension = scales_[*scale];
          if (dimension.is_unlimited) dimension.length = std::max(dimension.length, d.shape[k]);
        }
      }
    }
    for (const Dataset& d : datasets_) {
      if (const auto found = scales_.find(d.address); found != scales_.end()) groups_[folder_of(d.path)].push_back(found->second);
    }
  }

  std::vector<std::string> name(Dataset& d) {
    std::vector<std::string> out;
    Shape shape = d.shape;
    for (int k = 0; k < d.shape.rank(); ++k) {
      const auto axis = static_cast<std::size_t>(k);
      if (const auto scale = scale_of(d, k)) {
        const Dimension& dimension = scales_[*scale];
        out.push_back(dimension.name);
        if (dimension.is_unlimited && d.is_unlimited[axis]) shape[k] = std::max(shape[k], dimension.length);
      } else if (axis < d.attributes.labels.size() && !d.attributes.labels[axis].empty()) {
        out.push_back(d.attributes.labels[axis]);
      } else {
        out.push_back(phony(d, k, out));
      }
    }
    if (shape != d.shape && d.note.empty() && d.layout == Dataset::kChunked) lengthen(d, shape);
    for (int k = 0; k < d.type.inner.rank(); ++k) out.emplace_back();
    return out;
  }

 private:
  std::optional<Address> scale_of(const Dataset& d, int k) const {
    if (d.attributes.coordinate_ids.size() == d.shape.size()) {
      const auto found = ids_.find(d.attributes.coordinate_ids[static_cast<std::size_t>(k)]);
      if (found != ids_.end()) return found->second;
    }
    if (d.attributes.is_scale) return k == 0 ? std::optional(d.address) : std::nullopt;
    const auto found = attached_.find({d.address, k});
    return found == attached_.end() ? std::nullopt : std::optional(found->second);
  }

  std::string phony(const Dataset& d, int k, const std::vector<std::string>& taken) {
    std::vector<Dimension>& known = groups_[folder_of(d.path)];
    const bool is_unlimited = d.is_unlimited[static_cast<std::size_t>(k)];
    for (const Dimension& dimension : known) {
      if (dimension.length == d.shape[k] && dimension.is_unlimited == is_unlimited && std::ranges::find(taken, dimension.name) == taken.end()) {
        return dimension.name;
      }
    }
    known.push_back({fmt::format("phony_dim_{}", next_id_++), d.shape[k], is_unlimited});
    return known.back().name;
  }

  std::vector<Dataset>& datasets_;
  std::map<Address, Dimension> scales_;
  std::map<std::int64_t, Address> ids_;
  std::map<std::pair<Address, int>, Address> attached_;  // the first scale of an axis
  std::map<std::string, std::vector<Dimension>> groups_;
  std::int64_t next_id_ = 0;
};

/// Numbers of datasets group by group, those of a group behind those of the groups in it.
class Walk {
 public:
  explicit Walk(const std::vector<Dataset>& datasets) {
    members_[""];
    for (std::size_t i = 0; i < datasets.size(); ++i) {
      const std::string folder = folder_of(datasets[i].path);
      add_group(folder);
      members_[folder].push_back(i);
    }
  }
  std::vector<std::size_t> order() {
    visit("");
    return std::move(order_);
  }

 private:
  void add_group(const std::string& path) {
    if (path.empty() || members_.contains(path)) return;
    members_[path];
    add_group(folder_of(path));
    groups_[folder_of(path)].push_back(path);
  }
  void visit(const std::string& path) {
    for (const std::string& below : groups_[path]) visit(below);
    for (const std::size_t member : members_[path]) order_.push_back(member);
  }
  std::map<std::string, std::vector<std::string>> groups_;
  std::map<std::string, std::vector<std::size_t>> members_;
  std::vector<std::size_t> order_;
};

}  // namespace

std::vector<std::vector<std::string>> name_dimensions(std::vector<Dataset>& datasets) {
  Namer namer(datasets);
  std::vector<std::vector<std::string>> out(datasets.size());
  for (const std::size_t i : Walk(datasets).order()) out[i] = namer.name(datasets[i]);
  return out;
}

}  // namespace freestone::formats::hdf5
