/// PythonSource: an array whose parts a Python function gives: other libraries' arrays, files of formats that only Python reads.
///
/// The function is called on I/O lanes, with the GIL, for any part of the array; parts follow its chunks where they can.
#pragma once

#include "freestone/core/source.h"
#include "shared_object.h"

namespace freestone::python {

class PythonSource final : public Source {
 public:
  /// @param read  called as `read(start, shape)`, gives an array of that shape and of the dtype
  PythonSource(const nanobind::object& read, Spec spec, ChunkGrid chunks, std::string name);

  /// With the GIL held.
  nanobind::object read() const { return nanobind::borrow(read_.get()); }
  const std::string& name() const { return name_; }

  const Spec& spec() const override { return spec_; }
  const ChunkGrid& chunks() const override { return chunks_; }
  Identity identity() const override { return {name_, 0, 0, 0}; }
  std::string reference() const override { return "{}"; }
  ReadCost cost(const Box& box) const override;
  Index encoded_bytes(const Box& box) const override { return box.count() * size_of(spec_.dtype); }
  bool decodes_in_place() const override { return true; }
  /// @throws PythonFailure what the function raised; Error kind user: another shape or dtype than asked for
  void fetch(const Box& box, std::span<std::byte> encoded, const Cancel& cancel) const override;
  void decode(const Box& box, std::span<std::byte> encoded, const View& out, const Cancel& cancel) const override;

 private:
  std::shared_ptr<PyObject> read_;
  Spec spec_;
  ChunkGrid chunks_;
  std::string name_;
};

}  // namespace freestone::python
