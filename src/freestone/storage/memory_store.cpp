#include "freestone/storage/memory_store.h"

#include <cstring>

namespace freestone {
namespace {

class MemorySink final : public Sink {
 public:
  MemorySink(View view, std::shared_ptr<const void> owner) : view_(view), owner_(std::move(owner)), spec_{view.shape, view.dtype} {
    caps_.unit = Shape(view.rank(), 1);
    caps_.on_disk = false;
  }
  const Spec& spec() const override { return spec_; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return "memory"; }
  void create() override {}
  Index scratch_bytes(const Box&) const override { return 0; }
  void write(const Box& box, const View& data, Scratch&, const Cancel& cancel) override {
    cancel.check();
    copy(data, view_.part(box));
  }
  void finish() override {}
  void abort() noexcept override {}

  MemoryStore store() const { return {view_, owner_}; }

 private:
  View view_;
  std::shared_ptr<const void> owner_;
  Spec spec_;
  SinkCaps caps_;
};

}  // namespace

MemorySource::MemorySource(View view, std::shared_ptr<const void> owner, std::function<std::string(const View&)> reference)
    : view_(view),
      owner_(std::move(owner)),
      spec_{view.shape, view.dtype},
      grid_(ChunkGrid::contiguous(view.shape)),
      reference_(std::move(reference)) {}

MemorySource::MemorySource(View view, std::shared_ptr<const void> owner, std::string reference)
    : MemorySource(view, std::move(owner), [reference = std::move(reference)](const View&) { return reference; }) {}

void MemorySource::fetch(const Box& box, std::span<std::byte> encoded, const Cancel& cancel) const {
  ensure(static_cast<Index>(encoded.size()) >= encoded_bytes(box), "fetch: too little memory for the box");
  cancel.check();
  copy(view_.part(box), View::contiguous(encoded.data(), spec_.dtype, box.shape));
}

void MemorySource::decode(const Box& box, std::span<std::byte> encoded, const View& out, const Cancel&) const {
  if (encoded.data() != out.data) copy(View::contiguous(encoded.data(), spec_.dtype, box.shape), out);
}

MemoryStore::MemoryStore(Spec spec) {
  const auto memory = std::make_shared<Buffer>(std::max<Index>(spec.bytes(), 1));
  *this = MemoryStore(View::contiguous(memory->data(), spec.dtype, spec.shape), memory);
}

MemoryStore::MemoryStore(View view, std::shared_ptr<const void> owner)
    : sink_(std::make_shared<MemorySink>(view, owner)), source_(std::make_shared<MemorySource>(view, owner)) {}

std::optional<MemoryStore> memory_store_of(const Sink& sink) {
  const auto* memory = dynamic_cast<const MemorySink*>(&sink);
  return memory == nullptr ? std::nullopt : std::optional(memory->store());
}

}  // namespace freestone
