#include "freestone/formats/hdf5_library.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "freestone/base/fork.h"
#include "freestone/base/little_endian.h"

namespace freestone::formats::hdf5 {
namespace {

std::mutex& lane_mutex() {
  static std::mutex& mutex = []() -> std::mutex& {
    auto* made = new std::mutex;  // outlives whatever runs at exit
    hold_across_forks(*made);
    return *made;
  }();
  return mutex;
}

/// Why the driver could not read, for who hears of it from the library; the lane is held.
std::exception_ptr& driver_error() {
  static std::exception_ptr& error = *new std::exception_ptr;
  return error;
}

/// What the driver is told about a file, as the library's property.
struct DriverFile {
  const File* file = nullptr;
  LibraryFile::Log* log = nullptr;
};

/// The library's view of an open file; it adds its own members at the front.
struct OpenFile {
  H5FD_t library{};
  DriverFile ours;
  haddr_t end_of_addresses = 0;
};

OpenFile& ours(H5FD_t* file) { return *reinterpret_cast<OpenFile*>(file); }
const OpenFile& ours(const H5FD_t* file) { return *reinterpret_cast<const OpenFile*>(file); }

H5FD_t* driver_open(const char* name, unsigned flags, hid_t access, haddr_t) {
  const auto* wanted = static_cast<const DriverFile*>(H5Pget_driver_info(access));
  // Other files that a file names (external links, raw data elsewhere) are never opened.
  if (wanted == nullptr || (flags & H5F_ACC_RDWR) != 0 || wanted->file->name() != name) return nullptr;
  auto* file = new (std::nothrow) OpenFile;
  if (file == nullptr) return nullptr;
  file->ours = *wanted;
  return &file->library;
}

herr_t driver_close(H5FD_t* file) {
  delete &ours(file);
  return 0;
}

herr_t driver_query(const H5FD_t*, unsigned long* flags) {
  if (flags != nullptr) *flags = H5FD_FEAT_ACCUMULATE_METADATA_READ;
  return 0;
}

haddr_t driver_get_eoa(const H5FD_t* file, H5FD_mem_t) {
  // Chunks that lie behind the end are for us to refuse, with their place.
  return ours(file).ours.log->is_on ? HADDR_MAX : ours(file).end_of_addresses;
}
herr_t driver_set_eoa(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  ours(file).end_of_addresses = address;
  return 0;
}
haddr_t driver_get_eof(const H5FD_t* file, H5FD_mem_t) { return static_cast<haddr_t>(ours(file).ours.file->size()); }

/// Texts and lists of different lengths lie in global heaps: a signature, a size, and objects of a number (2 bytes), a size (8 bytes
/// at 8) and their bytes, filled up to 8. The library believes the sizes. False: it is a heap, whole, and an object ends behind it.
bool is_sound_heap(std::span<const std::byte> block) {
  constexpr std::size_t kHeader = 16;
  if (block.size() < kHeader || std::memcmp(block.data(), "GCOL", 4) != 0) return true;
  const std::uint64_t size = little_endian(block.data() + 8, 8);
  if (size > block.size()) return true;  // the library reads the rest next
  for (std::uint64_t at = kHeader; at + kHeader <= size;) {
    const std::uint64_t number = little_endian(block.data() + at, 2), bytes = little_endian(block.data() + at + 8, 8), left = size - at;
    if (bytes > left) return false;
    // Number 0 is what is free, its own header included.
    const std::uint64_t taken = number == 0 ? bytes : kHeader + (bytes + 7) / 8 * 8;
    // One that takes nothing is one that the library never gets past.
    if (taken == 0 || taken > left) return false;
    at += taken;
  }
  return true;
}

herr_t driver_read(H5FD_t* file, H5FD_mem_t type, hid_t, haddr_t address, std::size_t size, void* out) {
  const DriverFile& from = ours(file).ours;
  if (from.log->is_on && type == H5FD_MEM_DRAW) {
    const bool fits = address <= static_cast<haddr_t>(INT64_MAX) && size <= static_cast<std::size_t>(INT64_MAX);
    from.log->last = fits ? LoggedRead{static_cast<Index>(address), static_cast<Index>(size)} : LoggedRead{INT64_MAX, INT64_MAX};
    return 0;
  }
  const auto end = static_cast<haddr_t>(from.file->size());
  if (address > end) return -1;
  // The library asks for more than there is where a short block ends the file: the rest is zero, as its own driver has it.
  const std::size_t there = std::min<std::size_t>(size, end - address);
  try {
    from.file->read_exactly(static_cast<Index>(address), {static_cast<std::byte*>(out), there});
  } catch (...) {
    driver_error() = std::current_exception();
    return -1;
  }
  std::memset(static_cast<char*>(out) + there, 0, size - there);
  return !from.log->has_wide_sizes || is_sound_heap({static_cast<const std::byte*>(out), size}) ? 0 : -1;
}

herr_t driver_write(H5FD_t*, H5FD_mem_t, hid_t, haddr_t, std::size_t, const void*) { return -1; }

/// Registered once, for the life of the process.
hid_t driver() {
  static const hid_t kDriver = [] {
    static H5FD_class_t driver{};
    driver.name = "freestone";
    driver.fapl_size = sizeof(DriverFile);
    driver.open = driver_open;
    driver.close = driver_close;
    driver.query = driver_query;
    driver.get_eoa = driver_get_eoa;
    driver.set_eoa = driver_set_eoa;
    driver.get_eof = driver_get_eof;
    driver.read = driver_read;
    driver.write = driver_write;
    return register_driver(driver);
  }();
  return kDriver;
}

/// A walk downward ends with the innermost error, which says most.
herr_t keep_text(unsigned, const H5E_error2_t* error, void* text) {
  if (error->desc != nullptr) {
    try {
      *static_cast<std::string*>(text) = error->desc;
    } catch (...) {
      return -1;
    }
  }
  return 0;
}

Handle open_by_library(const File& file, LibraryFile::Log* log) {
  if (driver() < 0) fail(ErrorKind::kInternal, "the HDF5 library does not take a driver");
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  const DriverFile ours{&file, log};
  H5Pset_driver(access.id(), driver(), &ours);
  H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG);
  return Handle(H5Fopen(file.name().c_str(), H5F_ACC_RDONLY, access.id()), H5Fclose);
}

}  // namespace

LibraryLane::LibraryLane() : lock_(lane_mutex()) {
  // At exit other threads may still be in it.
  static const bool kIsSet = H5dont_atexit() >= 0;
  static_cast<void>(kIsSet);
  // A build with thread support has a stack of errors for each thread.
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  driver_error() = nullptr;
}

hid_t register_driver(H5FD_class_t& driver) {
#ifdef H5FD_CLASS_VERSION
  // From HDF5 1.14 on drivers have numbers; those from 256 to 511 belong to nobody.
  static int number = 300;
  driver.version = H5FD_CLASS_VERSION;
  driver.value = number++;
#endif
  driver.maxaddr = static_cast<haddr_t>(INT64_MAX);
  driver.fc_degree = H5F_CLOSE_STRONG;
  // Two open files are never one: each has its own descriptor and log.
  driver.cmp = [](const H5FD_t* a, const H5FD_t* b) { return a < b ? -1 : a > b ? 1 : 0; };
  const H5FD_mem_t types[] = H5FD_FLMAP_DICHOTOMY;
  std::copy(std::begin(types), std::end(types), driver.fl_map);
  return H5FDregister(&driver);
}

std::string take_library_error() {
  if (const auto error = std::exchange(driver_error(), nullptr)) {
    H5Eclear2(H5E_DEFAULT);
    std::rethrow_exception(error);
  }
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_text, &text);
  H5Eclear2(H5E_DEFAULT);
  return text;
}

std::string later_form(std::string_view words) {
  if (words.find("bad version number") == words.npos) return "";
  return fmt::format("stored in the form of a later HDF5 than {}.{}, the one here ({}). Written with libver=('earliest', 'v110'), it is read", H5_VERS_MAJOR,
                     H5_VERS_MINOR, words);
}

void fail_in_library(const std::string& file, std::string_view where, std::string_view what) {
  const std::string why = take_library_error();
  fail(ErrorKind::kData, "{}: {}{}{}{}. The file is damaged, or was cut short.", file, where, where.empty() ? "" : ": ", what,
       why.empty() ? "" : fmt::format(" (HDF5 says: {})", why));
}

LibraryFile::LibraryFile(std::shared_ptr<const File> file) : file_(std::move(file)), handle_(open_by_library(*file_, &log_)) {
  if (!handle_) fail_in_library(file_->name(), "", "its HDF5 metadata cannot be read");
  const Handle creation(H5Fget_create_plist(handle_.id()), H5Pclose);
  if (H5Pget_sizes(creation.id(), &address_bytes_, &length_bytes_) < 0 || std::max(address_bytes_, length_bytes_) > 8) {
    fail(ErrorKind::kData, "{}: its addresses or lengths have more than 8 bytes, which nobody needs. The file is damaged.", file_->name());
  }
  log_.has_wide_sizes = length_bytes_ == 8;
  base_ = find_superblock(*file_).value_or(0);
}

void LibraryFile::start_log() {
  log_.is_on = true;
  log_.last.reset();
}
void LibraryFile::stop_log() { log_.is_on = false; }

std::optional<Index> find_superblock(const ByteReader& reader) {
  constexpr std::string_view kSignature("\x89HDF\r\n\x1a\n", 8);
  for (Index at = 0; at <= reader.size() - 8; at = at == 0 ? 512 : 2 * at) {
    char bytes[8];
    reader.read_exactly(at, std::as_writable_bytes(std::span(bytes)));
    if (std::string_view(bytes, 8) == kSignature) return at;
  }
  return std::nullopt;
}

}  // namespace freestone::formats::hdf5
