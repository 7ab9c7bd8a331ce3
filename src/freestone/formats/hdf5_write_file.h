/// WriteFile: an HDF5 file that the library is making.
///
/// The library writes metadata through a driver of ours. To put a chunk in its place is, for the library, to find room for it, to note it in
/// the index, and to write it; the last of these the driver only takes down. So the lane is held for some microseconds a chunk, and whoever
/// encoded it writes it afterwards, beside all others.
#pragma once

#include "freestone/formats/hdf5_library.h"
#include "freestone/storage/codec.h"
#include "freestone/storage/held_changes.h"

namespace freestone::formats::hdf5 {

/// Throws kind io: "FILE: WHERE: WHAT", and the library's own words.
[[noreturn]] void fail_to_write(const std::string& file, std::string_view where, std::string_view what);

class WriteFile {
 public:
  /// A new file in an empty one that is open for reading and writing, and stays so. The lane is held.
  /// @param many_chunks: metadata lie together in larger blocks
  WriteFile(std::string name, int descriptor, bool is_netcdf, bool many_chunks);
  /// One that is there, to be changed; `changes` is open.
  /// @throws Error kind data: the library cannot open it for writing
  WriteFile(std::string name, HeldChanges& changes);
  /// What was not closed is given up: nothing more is written. The lane is held.
  ~WriteFile();
  WriteFile(const WriteFile&) = delete;
  WriteFile& operator=(const WriteFile&) = delete;

  hid_t id() const { return handle_.id(); }
  const std::string& name() const { return name_; }

  /// Room for a chunk of `bytes`, which the index tells of from now on; the lane is held.
  /// @param corner its first element
  /// @returns the offset in the file
  Index place_chunk(hid_t dataset, const std::vector<hsize_t>& corner, ConstBytes chunk);
  /// Writes what is left; the lane is held, and the datasets are closed.
  /// @returns the length of the file
  /// @throws Error kind io
  Index close();

  struct State {
    int descriptor = -1;            ///< of a new file
    HeldChanges* changes = nullptr; ///< to one that was there
    haddr_t end_of_file = 0, end_of_addresses = 0;
    bool logs = false;              ///< raw data are not written, but noted in `last`
    std::optional<LoggedRead> last;
    std::optional<Error> error;     ///< of the first write that failed; nothing is written after it
    bool is_given_up = false;
  };

 private:
  std::string name_;
  State state_;
  Handle handle_;
};

}  // namespace freestone::formats::hdf5
