/// Sinks of an HDF5 or NetCDF-4 file, and the file that they share.
#pragma once

#include <mutex>

#include "freestone/formats/hdf5_file_layout.h"
#include "freestone/formats/hdf5_library.h"

namespace freestone::formats::hdf5 {

/// What the sinks of one file share: opened by the first `create`, whole with the last `finish`, gone for all of them with one `abort`.
class Output {
 public:
  explicit Output(FileToWrite plan);
  virtual ~Output() = default;

  const FileToWrite& plan() const { return plan_; }
  const std::string& path() const { return plan_.path; }
  /// That the library holds while the file is open: the index of chunks, and objects.
  Index metadata_bytes() const;

  void create();
  void finish();
  void abort() noexcept;
  virtual void flush() = 0;

  /// Gives a chunk its place, in the library's lane, and writes it there. Thread-safe.
  /// @param corner its first element, in the file
  void write_chunk(std::size_t variable, const std::vector<hsize_t>& corner, ConstBytes chunk);
  /// Where the elements of a contiguous variable begin, in `descriptor`.
  virtual Index offset_of(std::size_t variable) const = 0;
  virtual int descriptor() = 0;

 protected:
  Index chunks() const { return chunks_; }
  /// Opens the output; takes the lane.
  virtual void open() = 0;
  /// The lane is held.
  virtual Index place_chunk(std::size_t variable, const std::vector<hsize_t>& corner, ConstBytes chunk) = 0;
  virtual void write_at(Index offset, ConstBytes bytes) = 0;
  /// Takes the lane.
  virtual void complete() = 0;
  /// Any number of times; takes the lane.
  virtual void give_up() noexcept = 0;

 private:
  FileToWrite plan_;
  Index chunks_ = 0;
  std::size_t finished_ = 0;
  bool is_open_ = false, is_aborted_ = false;
  std::mutex mutex_;
};

/// A new file; its objects are made by the library when it is opened.
std::shared_ptr<Output> new_output(FileToWrite plan, bool overwrite);

/// A sink for each variable, in their order. Contiguous arrays are written where the library says that they lie, by all threads. A chunk is
/// encoded by who brings its last element, gets its place in the library's lane, and is written by who encoded it: no encoded chunk waits for
/// another. A killed run cannot be taken up: what the library knows of it is lost.
std::vector<std::shared_ptr<Sink>> sinks_of(std::shared_ptr<Output> output);

}  // namespace freestone::formats::hdf5
