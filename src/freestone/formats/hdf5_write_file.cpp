#include "freestone/formats/hdf5_write_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace freestone::formats::hdf5 {
namespace {

// For files of many chunks: nodes of their index lie together, and are read with few requests.
constexpr hsize_t kMetadataBlock = 256 << 10;

struct DriverFile {
  const std::string* name = nullptr;
  WriteFile::State* state = nullptr;
};

/// The library's view of an open file; it adds its own members at the front.
struct OpenFile {
  H5FD_t library{};
  const std::string* name = nullptr;
  WriteFile::State* state = nullptr;
};

OpenFile& ours(H5FD_t* file) { return *reinterpret_cast<OpenFile*>(file); }
const OpenFile& ours(const H5FD_t* file) { return *reinterpret_cast<const OpenFile*>(file); }

H5FD_t* driver_open(const char* name, unsigned, hid_t access, haddr_t) {
  const auto* wanted = static_cast<const DriverFile*>(H5Pget_driver_info(access));
  if (wanted == nullptr || *wanted->name != name) return nullptr;
  auto* file = new (std::nothrow) OpenFile;
  if (file == nullptr) return nullptr;
  file->name = wanted->name;
  file->state = wanted->state;
  return &file->library;
}

herr_t driver_close(H5FD_t* file) {
  delete &ours(file);
  return 0;
}

herr_t driver_query(const H5FD_t*, unsigned long* flags) {
  if (flags != nullptr) *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA;
  return 0;
}

haddr_t driver_get_eoa(const H5FD_t* file, H5FD_mem_t) { return ours(file).state->end_of_addresses; }
herr_t driver_set_eoa(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  ours(file).state->end_of_addresses = address;
  return 0;
}
haddr_t driver_get_eof(const H5FD_t* file, H5FD_mem_t) { return ours(file).state->end_of_file; }

herr_t driver_read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, void* out) {
  const WriteFile::State& state = *ours(file).state;
  try {
    if (state.changes != nullptr) {
      state.changes->read(static_cast<Index>(address), {static_cast<std::byte*>(out), size});
      return 0;
    }
  } catch (const Error&) {
    return -1;
  }
  auto* to = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t n = ::pread(state.descriptor, to, size, static_cast<off_t>(address));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    to += n;
    address += static_cast<haddr_t>(n);
    size -= static_cast<std::size_t>(n);
  }
  std::memset(to, 0, size);
  return 0;
}

/// A write that fails is told by `close`: the library loses its bearings when it cannot write.
herr_t driver_write(H5FD_t* file, H5FD_mem_t type, hid_t, haddr_t address, std::size_t size, const void* from) {
  WriteFile::State& state = *ours(file).state;
  state.end_of_file = std::max(state.end_of_file, address + size);
  if (state.logs && type == H5FD_MEM_DRAW) {
    state.last = {static_cast<Index>(address), static_cast<Index>(size)};
    return 0;
  }
  if (state.error || state.is_given_up) return 0;
  const ConstBytes bytes{static_cast<const std::byte*>(from), size};
  try {
    if (state.changes != nullptr) {
      state.changes->write(static_cast<Index>(address), bytes);
    } else {
      write_exactly(state.descriptor, *ours(file).name, static_cast<Index>(address), bytes);
    }
  } catch (const Error& error) {
    state.error = error;
  }
  return 0;
}

herr_t driver_truncate(H5FD_t* file, hid_t, hbool_t) {
  WriteFile::State& state = *ours(file).state;
  if (state.error || state.is_given_up) return 0;
  state.end_of_file = state.end_of_addresses;
  // The length of a file that was there is set when the changes are made.
  if (state.changes != nullptr) return 0;
  try {
    set_length(state.descriptor, *ours(file).name, static_cast<Index>(state.end_of_file));
  } catch (const Error& error) {
    state.error = error;
  }
  return 0;
}

/// As the reading one is registered: once.
hid_t driver() {
  static const hid_t kDriver = [] {
    static H5FD_class_t driver{};
    driver.name = "freestone-write";
    driver.fapl_size = sizeof(DriverFile);
    driver.open = driver_open;
    driver.close = driver_close;
    driver.query = driver_query;
    driver.get_eoa = driver_get_eoa;
    driver.set_eoa = driver_set_eoa;
    driver.get_eof = driver_get_eof;
    driver.read = driver_read;
    driver.write = driver_write;
    driver.truncate = driver_truncate;
    return register_driver(driver);
  }();
  return kDriver;
}

Handle access_of(const DriverFile& ours, bool is_new) {
  if (driver() < 0) fail(ErrorKind::kInternal, "the HDF5 library does not take a driver");
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_driver(access.id(), driver(), &ours);
  H5Pset_fclose_degree(access.id(), H5F_CLOSE_STRONG);
  // Of 1.8: every reader in use has it, and it keeps the order in which things were made.
  if (is_new) H5Pset_libver_bounds(access.id(), H5F_LIBVER_V18, H5F_LIBVER_V18);
  return access;
}

}  // namespace

void fail_to_write(const std::string& file, std::string_view where, std::string_view what) {
  const std::string why = take_library_error();
  fail(ErrorKind::kIo, "{}: {}{}{}{}.", file, where, where.empty() ? "" : ": ", what, why.empty() ? "" : fmt::format(" (HDF5 says: {})", why));
}

WriteFile::WriteFile(std::string name, int descriptor, bool is_netcdf, bool many_chunks) : name_(std::move(name)) {
  state_.descriptor = descriptor;
  const Handle access = access_of({&name_, &state_}, true), creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  if (many_chunks) H5Pset_meta_block_size(access.id(), kMetadataBlock);
  H5Pset_link_creation_order(creation.id(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  if (is_netcdf) H5Pset_attr_creation_order(creation.id(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_obj_track_times(creation.id(), false);
  handle_ = Handle(H5Fcreate(name_.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), H5Fclose);
  if (!handle_) fail_to_write(name_, "", "it cannot be begun");
}

WriteFile::WriteFile(std::string name, HeldChanges& changes) : name_(std::move(name)) {
  state_.changes = &changes;
  state_.end_of_file = static_cast<haddr_t>(changes.kept_bytes());
  const Handle access = access_of({&name_, &state_}, false);
  handle_ = Handle(H5Fopen(name_.c_str(), H5F_ACC_RDWR, access.id()), H5Fclose);
  if (!handle_) fail_in_library(name_, "", "it cannot be opened for writing");
  changes.end_at(static_cast<Index>(state_.end_of_addresses));
}

WriteFile::~WriteFile() { state_.is_given_up = true; }

Index WriteFile::place_chunk(hid_t dataset, const std::vector<hsize_t>& corner, ConstBytes chunk) {
  state_.last.reset();
  state_.logs = true;
  const herr_t result = H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, corner.data(), chunk.size(), chunk.data());
  state_.logs = false;
  if (result < 0 || !state_.last) fail_to_write(name_, "", "a chunk finds no place");
  return state_.last->offset;
}

Index WriteFile::close() {
  const bool is_closed = H5Fclose(handle_.release()) >= 0;
  if (state_.error) throw Error(*state_.error);
  if (!is_closed) fail_to_write(name_, "", "it cannot be closed");
  return static_cast<Index>(state_.end_of_file);
}

}  // namespace freestone::formats::hdf5
