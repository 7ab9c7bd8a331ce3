#include "freestone/array/source_op.h"

#include <nlohmann/json.hpp>

#include "freestone/array/array.h"

namespace freestone {

SourceOp::SourceOp(std::shared_ptr<const Source> source)
    : Op(source->spec().shape, {source->spec()}, {}, {identity_access(source->spec().shape.rank())}), source_(std::move(source)) {}

nlohmann::json SourceOp::params() const {
  const Identity id = source_->identity();
  nlohmann::json params = {{"reference", source_->reference()}, {"bytes", id.bytes}, {"modified_ns", id.modified_ns}, {"inode", id.inode}};
  // What no reference describes (memory, a temporary file) is itself.
  if (source_->reference() == "{}") params["address"] = reinterpret_cast<std::uintptr_t>(source_.get());
  return params;
}

std::string SourceOp::key() const {
  const auto memory = source_->memory();
  if (!memory) return Op::key();
  return fmt::format("memory {} {} {} {}", static_cast<const void*>(memory->data), name_of(memory->dtype), to_string(memory->shape),
                     to_string(memory->strides));
}

Need SourceOp::need(const Box& box) const {
  // Swapping bytes runs at memory speed; scaling costs more but is still far from the operations behind it.
  return {0, static_cast<double>(box.count()) * 0.15};
}

Array from_source(std::shared_ptr<const Source> source) { return apply_op(std::make_shared<SourceOp>(std::move(source)), {}); }

}  // namespace freestone
