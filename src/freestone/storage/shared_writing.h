/// SharedWriting: what a sink has beside Sink when several processes can write its output together.
///
/// One process creates the output, holds its lock and finishes it; others join it and write their boxes. Found by a dynamic cast.
#pragma once

namespace freestone {

class SharedWriting {
 public:
  virtual ~SharedWriting() = default;
  /// Instead of `create`: writes go to the temporary output that another process has created. Only `write` and `flush` may follow; when the
  /// sink goes, the output stays.
  /// @throws Error kind io: it is not there
  virtual void join() = 0;
  /// False: a box of a process that has joined must be whole units (SinkCaps::unit), counted from the first element.
  virtual bool takes_any_box() const = 0;
};

}  // namespace freestone
