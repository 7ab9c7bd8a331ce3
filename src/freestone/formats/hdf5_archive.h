/// What the library says of a file as bytes, and back, for the way between two processes of one machine.
///
/// Each struct names its members once, for both directions. Who reads bytes trusts nothing in them: counts are checked against what is left, and
/// enumerations against their range, for the process that made them may have been led astray by the file.
#pragma once

#include <cstring>
#include <string>

#include "freestone/formats/hdf5_apart.h"

namespace freestone::formats::hdf5 {

class ArchiveWriter {
 public:
  template <class... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }
  std::string take() { return std::move(out_); }

 private:
  template <class T>
    requires(std::is_arithmetic_v<T> || std::is_enum_v<T>)
  void put(const T& value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void put(const std::string& text) {
    put(text.size());
    out_ += text;
  }
  void put(const Shape& shape) { put(shape.to_vector()); }
  template <class T>
  void put(const std::vector<T>& values) {
    put(values.size());
    if constexpr (std::is_same_v<T, std::byte> || std::is_same_v<T, ListedChunk>) {
      out_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    } else {
      for (const auto& value : values) put(static_cast<const T&>(value));
    }
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  void put(const AttributeValue& value) {
    put(value.index());
    std::visit([&](const auto& v) { put(v); }, value);
  }
  template <class T>
    requires std::is_class_v<T>
  void put(const T& value) {
    members(*this, const_cast<T&>(value));
  }
  std::string out_;
};

class ArchiveReader {
 public:
  explicit ArchiveReader(std::span<const char> bytes) : left_(bytes) {}
  template <class... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  bool is_at_end() const { return left_.empty(); }

 private:
  [[noreturn]] static void damaged() { fail(ErrorKind::kData, "what the process that reads HDF5 says is damaged"); }
  const char* take(std::size_t bytes) {
    if (bytes > left_.size()) damaged();
    const char* at = left_.data();
    left_ = left_.subspan(bytes);
    return at;
  }
  template <class T>
    requires std::is_arithmetic_v<T>
  void get(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      value = *take(1) != 0;
    } else {
      std::memcpy(&value, take(sizeof value), sizeof value);
    }
  }
  void get(DType& value) { get_enum(value, kDTypeCount); }
  void get(ByteOrder& value) { get_enum(value, 2); }
  void get(Dataset::Layout& value) { get_enum(value, Dataset::kByLibrary + 1); }
  template <class E>
  void get_enum(E& value, int count) {
    std::underlying_type_t<E> number{};
    std::memcpy(&number, take(sizeof number), sizeof number);
    if (static_cast<Index>(number) < 0 || static_cast<Index>(number) >= count) damaged();
    value = static_cast<E>(number);
  }
  std::size_t count(std::size_t least_bytes) {
    std::size_t out = 0;
    get(out);
    if (out > left_.size() / least_bytes) damaged();
    return out;
  }
  void get(std::string& text) {
    const std::size_t bytes = count(1);
    text.assign(take(bytes), bytes);
  }
  void get(Shape& shape) {
    std::vector<Index> lengths;
    get(lengths);
    if (lengths.size() > static_cast<std::size_t>(kMaxRank) || std::ranges::any_of(lengths, [](Index n) { return n < 0; })) damaged();
    shape = Shape(lengths);
  }
  template <class T>
  void get(std::vector<T>& values) {
    if constexpr (std::is_same_v<T, std::byte> || std::is_same_v<T, ListedChunk>) {
      values.resize(count(sizeof(T)));
      const char* from = take(values.size() * sizeof(T));
      if (!values.empty()) std::memcpy(values.data(), from, values.size() * sizeof(T));
    } else {
      values.clear();
      for (std::size_t left = count(1); left > 0; --left) {
        T value{};
        get(value);
        values.push_back(std::move(value));
      }
    }
  }
  template <class T>
  void get(std::optional<T>& value) {
    bool is_there = false;
    get(is_there);
    value.reset();
    if (is_there) get(value.emplace());
  }
  void get(AttributeValue& value) {
    std::size_t kind = 0;
    get(kind);
    switch (kind) {
      case 0: return get(value.emplace<0>());
      case 1: return get(value.emplace<1>());
      case 2: return get(value.emplace<2>());
      case 3: return get(value.emplace<3>());
      case 4: return get(value.emplace<4>());
      case 5: return get(value.emplace<5>());
      case 6: return get(value.emplace<6>());
      case 7: return get(value.emplace<7>());
      case 8: return get(value.emplace<8>());
      default: damaged();
    }
  }
  template <class T>
    requires std::is_class_v<T>
  void get(T& value) {
    // Types are nested as deeply as somebody lets them be.
    if (++depth_ > kDeepest) damaged();
    members(*this, value);
    --depth_;
  }
  static constexpr int kDeepest = 64;
  std::span<const char> left_;
  int depth_ = 0;
};

template <class A>
void members(A& archive, Attribute& a) {
  archive(a.key, a.value, a.comment);
}
template <class A>
void members(A& archive, Attachment& a) {
  archive(a.dataset, a.axis);
}
template <class A>
void members(A& archive, ObjectAttributes& a) {
  archive(a.shown, a.is_scale, a.is_dimension_only, a.is_netcdf, a.attached_to, a.labels, a.dimension_id, a.coordinate_ids, a.note);
}
template <class A>
void members(A& archive, ElementTransform& t) {
  archive(t.stored, t.order, t.dtype, t.flips_sign, t.halves, t.scales, t.scale, t.offset, t.blank);
}
template <class A>
void members(A& archive, ElementType& t);
template <class A>
void members(A& archive, ElementType::Field& f) {
  archive(f.name, f.offset, f.type);
}
template <class A>
void members(A& archive, ElementType& t) {
  archive(t.transform, t.inner, t.bytes, t.needs_library, t.note, t.meanings, t.is_text, t.fields);
}
template <class A>
void members(A& archive, Filter& f) {
  archive(f.id, f.name, f.parameters, f.is_available);
}
template <class A>
void members(A& archive, Dataset& d) {
  archive(d.path, d.address, d.type, d.attributes, d.note, d.shape, d.is_unlimited, d.layout, d.values, d.field_values, d.offset, d.chunk, d.chunks);
  archive(d.filters, d.fill, d.field_fills, d.texts, d.leaves_edges_unfiltered, d.fill_varies);
}
template <class A>
void members(A& archive, ReadByLibrary& r) {
  archive(r.path, r.field, r.element, r.rank);
}
template <class A>
void members(A& archive, Contents::Group& g) {
  archive(g.path, g.attributes);
}
template <class A>
void members(A& archive, FileDescription& f) {
  archive(f.datasets, f.attributes, f.groups, f.is_netcdf, f.notes);
}

}  // namespace freestone::formats::hdf5
