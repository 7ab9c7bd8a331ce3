/// Source and Sink: where arrays come from and where they go.
///
/// A Source describes stored data and reads any box of it; a Sink takes the boxes of one array in any order and makes a
/// whole of them. Both are called from many threads at once. Opening a source reads metadata only.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "freestone/core/buffer.h"
#include "freestone/core/cancel.h"
#include "freestone/core/chunk_grid.h"
#include "freestone/core/view.h"

namespace freestone {

/// What an array is: its shape and the type of its elements.
struct Spec {
  Shape shape;
  DType dtype = DType::kFloat64;
  Index bytes() const { return element_count(shape) * size_of(dtype); }
  friend bool operator==(const Spec&, const Spec&) = default;
};

/// What says that a file is still the one that was opened.
struct Identity {
  std::string path;
  Index bytes = 0;
  Index modified_ns = 0;
  Index inode = 0;
  friend bool operator==(const Identity&, const Identity&) = default;
};

/// What a read costs, told from metadata alone.
struct ReadCost {
  Index bytes = 0;     ///< taken from the file
  Index requests = 0;  ///< runs that lie apart
  Index decoded = 0;   ///< bytes that come out of codecs: chunks count whole, however little of them is wanted
};

class ChunkCache;

class Source {
 public:
  virtual ~Source() = default;

  /// As `decode` delivers it: after scaling, in native byte order.
  virtual const Spec& spec() const = 0;
  /// Nominal chunks: what is read and decoded as one piece.
  virtual const ChunkGrid& chunks() const = 0;
  virtual Identity identity() const = 0;
  /// What finds this source again in another process: {"path": ..., "variable": ...} as JSON text.
  virtual std::string reference() const = 0;

  virtual ReadCost cost(const Box& box) const = 0;
  /// Bytes of memory that `fetch(box)` fills.
  virtual Index encoded_bytes(const Box& box) const = 0;
  /// True when `decode` may be given the memory of `fetch` itself as its output (C order, same bytes).
  virtual bool decodes_in_place() const = 0;

  /// The elements themselves, when they lie in memory in native order for as long as the source lives: nothing is read then, the engine
  /// looks at them where they are.
  virtual std::optional<View> memory() const { return std::nullopt; }

  /// The same data read through a cache of decoded chunks, for one run whose boxes meet the same chunks more than once; null: it has no
  /// chunks to keep.
  virtual std::shared_ptr<const Source> through(std::shared_ptr<ChunkCache>) const { return nullptr; }

  /// Reads what `box` needs into `encoded`; runs on an I/O lane. `box` is not empty.
  /// @throws Error kind io or data, naming the file and the offset; cancelled
  virtual void fetch(const Box& box, std::span<std::byte> encoded, const Cancel& cancel) const = 0;
  /// Makes the elements of `box` out of what `fetch` read; runs on a compute lane.
  /// @throws Error kind data, naming the file and the chunk
  virtual void decode(const Box& box, std::span<std::byte> encoded, const View& out, const Cancel& cancel) const = 0;
};

/// What a sink asks of the tiles that it is given.
struct SinkCaps {
  Shape unit;               ///< Tiles start at multiples of this (1 where it does not matter) ...
  Index run_bytes = 0;      ///< ... and are best when this many bytes lie together in the file (0: no matter).
  Index reserve_bytes = 0;  ///< Memory that the sink itself holds while open.
  bool on_disk = true;      ///< False for results in memory.
};

class Sink {
 public:
  virtual ~Sink() = default;

  virtual const Spec& spec() const = 0;
  virtual const SinkCaps& caps() const = 0;
  /// Name for people: the path.
  virtual std::string name() const = 0;

  /// Makes the temporary output. Nothing is touched before.
  /// @throws Error kind user: it exists and may not be overwritten, or somebody else is writing it; kind io
  virtual void create() = 0;
  /// Where a journal of this output may stand, beside the temporary output; empty when a killed run cannot be taken up.
  virtual std::string journal_path() const { return {}; }
  /// What the output will say beside its elements (header, chunks, codecs, attributes): only a run that says the same takes up a killed one.
  virtual std::string description() const { return {}; }
  /// After `create` or `resume`: names this very output, and no other of the same name; empty when a killed run cannot be taken up.
  virtual std::string token() const { return {}; }
  /// Where the output with this token is: under its temporary name, under its final one, or nowhere.
  enum class Whereabouts { kNowhere, kTemporary, kFinal };
  virtual Whereabouts find(const std::string& /*token*/) const { return Whereabouts::kNowhere; }
  /// Instead of `create`: takes up the temporary output that a killed run left, with everything that was written to it.
  /// @throws Error kind user: there is none, or somebody is writing it; kind data: it is not what `create` would have made
  virtual void resume() { fail(ErrorKind::kUser, "{}: a run that writes it cannot be taken up.", name()); }
  /// Instead of `finish`: lets go of the output as it is, lock and all, for a run that will `resume` it. What cannot be taken up is removed.
  virtual void leave() noexcept { abort(); }
  /// Instead of `create`, when the output has its final name: removes what it replaced, if that is still there.
  virtual void clean_up() {}
  /// Brings what was written so far to the disk; meanwhile `write` may be called.
  virtual void flush() {}
  /// Bytes of scratch that `write(box)` takes.
  virtual Index scratch_bytes(const Box& box) const = 0;
  /// The same when `data` is known to lie in C order: what is encoded from where it lies needs no copy.
  virtual Index contiguous_scratch_bytes(const Box& box) const { return scratch_bytes(box); }
  /// Encodes and stores one box; thread-safe; boxes do not overlap and each lies on `caps().unit`.
  /// @throws Error kind io, naming the file
  virtual void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) = 0;
  /// All boxes are written: makes the output whole and gives it its final name.
  virtual void finish() = 0;
  /// Removes what `create` made; what had the final name before is untouched. Safe to call at any time, twice too.
  virtual void abort() noexcept = 0;
};

}  // namespace freestone
