#include "freestone/formats/hdf5_heap.h"

#include <algorithm>
#include <cstring>

#include "freestone/base/little_endian.h"
#include "freestone/storage/byte_order.h"

namespace freestone::formats::hdf5 {
namespace {

constexpr const char* kTag = "freestone: as it is stored";
// Heaps have 4 KiB, or as much as one long text.
constexpr std::size_t kMostKept = std::size_t{16} << 20;
constexpr Index kLargestHeap = Index{1} << 30;

/// "Converts" to our own type by leaving everything as it is.
herr_t leave(hid_t from, hid_t to, H5T_cdata_t* data, std::size_t, std::size_t, std::size_t, void*, void*, hid_t) {
  if (data->command != H5T_CONV_INIT) return 0;
  char* tag = H5Tget_tag(to);
  const bool is_ours = tag != nullptr && std::strcmp(tag, kTag) == 0;
  H5free_memory(tag);
  return is_ours && H5Tget_size(from) == H5Tget_size(to) ? 0 : -1;
}

}  // namespace

Handle stored_list_type(const LibraryFile& file) {
  const auto make = [&] {
    Handle type(H5Tcreate(H5T_OPAQUE, 8 + file.address_bytes()), H5Tclose);
    H5Tset_tag(type.id(), kTag);
    return type;
  };
  static const bool kIsKnown = [&] {
    const Handle list(H5Tvlen_create(H5T_NATIVE_INT), H5Tclose), here = make();
    return H5Tregister(H5T_PERS_SOFT, "freestone_stored_list", list.id(), here.id(), leave) >= 0;
  }();
  ensure(kIsKnown, "HDF5 takes no conversion");
  return make();
}

const TextReader::Heap& TextReader::heap_at(const std::string& where, Index address) {
  if (const auto found = heaps_.find(address); found != heaps_.end()) return found->second;
  const auto damaged = [&](std::string_view why) {
    fail(ErrorKind::kData, "{}: {}: its text refers to a heap at offset {}, {}. The file is damaged, or was cut short.", file_.name(), where, address, why);
  };
  const std::size_t width = file_.length_bytes(), header = 8 + width;
  const Index room = file_.file().size() - address;
  if (address < 0 || room < static_cast<Index>(header)) damaged("which is behind its end");
  std::vector<std::byte> start(header);
  file_.file().read_exactly(address, start);
  if (std::memcmp(start.data(), "GCOL", 4) != 0 || std::to_integer<int>(start[4]) != 1) damaged("where there is none");
  const std::uint64_t size = little_endian(start.data() + 8, width);
  if (size < header || size > static_cast<std::uint64_t>(std::min(room, kLargestHeap))) damaged("which is longer than the file");
  if (kept_bytes_ > kMostKept) {
    heaps_.clear();
    kept_bytes_ = 0;
  }
  Heap heap;
  heap.bytes.resize(size);
  file_.file().read_exactly(address, heap.bytes);
  // Objects: a number (2 bytes), how often it is used (2), 4 of nothing, a size, and the bytes, filled up to 8. Number 0 is what is free.
  const std::size_t object = 8 + width;
  for (std::size_t at = header; at + object <= size;) {
    const auto number = static_cast<Index>(little_endian(heap.bytes.data() + at, 2));
    const std::uint64_t bytes = little_endian(heap.bytes.data() + at + 8, width);
    if (number == 0) break;
    if (bytes > size - at - object) damaged("in which an object ends behind it");
    heap.objects[number] = {at + object, bytes};
    const std::uint64_t taken = object + (bytes + 7) / 8 * 8;
    if (taken > size - at) break;
    at += taken;
  }
  kept_bytes_ += size;
  return heaps_[address] = std::move(heap);
}

std::vector<std::string> TextReader::read(const std::string& where, std::span<const std::byte> elements, TextRoom& room) {
  const std::size_t width = file_.address_bytes(), step = element_bytes();
  std::vector<std::string> out;
  for (std::size_t at = 0; at + step <= elements.size(); at += step) {
    const std::byte* element = elements.data() + at;
    const std::uint64_t length = little_endian(element, 4), address = little_endian(element + 4, width);
    const auto number = static_cast<Index>(little_endian(element + 4 + width, 4));
    // What was never written, and no text at all.
    if (length == 0 || address == 0) {
      out.emplace_back();
      continue;
    }
    if (address > static_cast<std::uint64_t>(INT64_MAX) / 2) {
      fail(ErrorKind::kData, "{}: {}: its text refers to a heap at offset {}. The file is damaged.", file_.name(), where, address);
    }
    const Heap& heap = heap_at(where, static_cast<Index>(address) + file_.base());
    const auto object = heap.objects.find(number);
    if (object == heap.objects.end() || length > object->second.second) {
      fail(ErrorKind::kData, "{}: {}: its text is object {} of the heap at offset {}, which has no such object. The file is damaged.", file_.name(), where,
           number, address);
    }
    room.take_bytes(static_cast<Index>(length));
    std::string text(reinterpret_cast<const char*>(heap.bytes.data()) + object->second.first, length);
    out.push_back(text.substr(0, text.find('\0')));
  }
  return out;
}

}  // namespace freestone::formats::hdf5
