/// MemoryStore: one array in memory as a Sink and a Source: small intermediates, and results given to the caller.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "freestone/core/buffer.h"
#include "freestone/core/source.h"

namespace freestone {

/// A Source on memory in C order. Whoever can use memory as it is finds it by `view()` and needs no `fetch`.
class MemorySource final : public Source {
 public:
  /// `owner` keeps the memory alive; it may be null when the caller does so. `reference` is asked for when somebody wants it.
  MemorySource(View view, std::shared_ptr<const void> owner, std::function<std::string(const View&)> reference = {});
  MemorySource(View view, std::shared_ptr<const void> owner, std::string reference);

  const View& view() const { return view_; }

  const Spec& spec() const override { return spec_; }
  const ChunkGrid& chunks() const override { return grid_; }
  Identity identity() const override { return {}; }
  std::string reference() const override { return reference_ ? reference_(view_) : "{}"; }
  /// Nothing is taken from a file.
  ReadCost cost(const Box&) const override { return {}; }
  std::optional<View> memory() const override { return view_; }
  Index encoded_bytes(const Box& box) const override { return box.count() * size_of(spec_.dtype); }
  bool decodes_in_place() const override { return true; }
  void fetch(const Box& box, std::span<std::byte> encoded, const Cancel& cancel) const override;
  void decode(const Box& box, std::span<std::byte> encoded, const View& out, const Cancel& cancel) const override;

 private:
  View view_;
  std::shared_ptr<const void> owner_;
  Spec spec_;
  ChunkGrid grid_;
  std::function<std::string(const View&)> reference_;
};

class MemoryStore {
 public:
  /// Takes the memory (zeroed) at once.
  /// @throws Error kind memory
  explicit MemoryStore(Spec spec);
  /// On memory in C order that `owner` keeps alive.
  MemoryStore(View view, std::shared_ptr<const void> owner);

  std::shared_ptr<Sink> sink() const { return sink_; }
  std::shared_ptr<const MemorySource> source() const { return source_; }
  /// The whole array, C order; alive as long as the store, its sink or its source.
  View view() const { return source_->view(); }

 private:
  std::shared_ptr<Sink> sink_;
  std::shared_ptr<const MemorySource> source_;
};

/// The store that `sink` writes to; none: it is no sink of a MemoryStore.
std::optional<MemoryStore> memory_store_of(const Sink& sink);

}  // namespace freestone
