#include "freestone/exec/fold_states.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "freestone/exec/stage_runner.h"

namespace freestone {
namespace {

using Json = nlohmann::json;

[[noreturn]] void fail_damaged(const char* what) { fail(ErrorKind::kData, "States of a reduction came damaged from another process: {}.", what); }

}  // namespace

std::string FoldStates::bytes() const {
  if (pieces_.empty()) return {};
  Json pieces = Json::array();
  std::size_t length = 0;
  for (const Piece& piece : pieces_) {
    Json parts = Json::array();
    for (const Part& part : piece.parts) {
      parts.push_back({part.level, part.number, part.merged, part.state.size()});
      length += part.state.size();
    }
    pieces.push_back({piece.body, piece.box.start.to_vector(), piece.box.shape.to_vector(), parts});
  }
  const std::string head = pieces.dump();
  const std::uint64_t head_length = head.size();
  std::string out(sizeof(head_length), '\0');
  out.reserve(out.size() + head.size() + length);
  std::memcpy(out.data(), &head_length, sizeof(head_length));
  out += head;
  for (const Piece& piece : pieces_)
    for (const Part& part : piece.parts) out.append(reinterpret_cast<const char*>(part.state.data()), part.state.size());
  return out;
}

void FoldStates::add(std::string_view bytes) {
  if (bytes.empty()) return;
  std::uint64_t head_length = 0;
  if (bytes.size() < sizeof(head_length)) fail_damaged("too few bytes");
  std::memcpy(&head_length, bytes.data(), sizeof(head_length));
  bytes.remove_prefix(sizeof(head_length));
  if (head_length > bytes.size()) fail_damaged("too few bytes");
  const Json pieces = Json::parse(bytes.substr(0, head_length), nullptr, false);
  bytes.remove_prefix(head_length);
  try {
    for (const Json& described : pieces) {
      Piece piece{described.at(0).get<int>(),
                  Box(Dims(described.at(1).get<std::vector<Index>>()), Shape(described.at(2).get<std::vector<Index>>())), {}};
      for (const Json& part : described.at(3)) {
        const auto length = part.at(3).get<std::size_t>();
        if (length > bytes.size()) fail_damaged("too few bytes");
        Part made{part.at(0).get<int>(), part.at(1).get<Index>(), part.at(2).get<Index>(), FoldTree::State(length)};
        std::memcpy(made.state.data(), bytes.data(), length);
        bytes.remove_prefix(length);
        piece.parts.push_back(std::move(made));
      }
      pieces_.push_back(std::move(piece));
    }
  } catch (const Json::exception& error) {
    fail_damaged(error.what());
  }
  if (!bytes.empty()) fail_damaged("too many bytes");
}

void StageRunner::take_states(FoldStates& states) {
  for (FoldStates::Piece& piece : states.pieces()) {
    const auto body = static_cast<std::size_t>(piece.body);
    if (piece.body < 0 || body >= folds_.size() || !folds_[body]) fail_damaged("a node that is no reduction");
    const Op& op = program_.op(piece.body);
    const Fold& fold = *op.fold();
    if (piece.box.rank() != op.domain().rank() || !contains(Box(op.domain()), piece.box)) fail_damaged("a piece that is none");
    SharedFold::Piece& target = folds_[body]->piece(piece.box);
    const auto length = static_cast<std::size_t>(fold.state_words() * 8 * kept_count(fold, piece.box));
    bool complete = false;
    for (FoldStates::Part& part : piece.parts) {
      if (part.state.size() != length || !target.tree->has_place(part.level, part.number, part.merged)) fail_damaged("a state of another reduction");
      complete = part.merged == 0 ? target.tree->put(part.level, part.number, std::move(part.state))
                                  : target.tree->put_first(part.level, part.number, part.merged, std::move(part.state));
    }
    if (!complete) continue;
    Scratch none;
    finish_piece(piece.body, target.box, target.tree->root(), none, 0);
    folds_[body]->drop(piece.box);
  }
  states.pieces().clear();
}

void StageRunner::leave_states(FoldStates& states) const {
  for (std::size_t b = 0; b < folds_.size(); ++b) {
    if (!folds_[b]) continue;
    folds_[b]->for_each_piece([&](const SharedFold::Piece& piece) {
      FoldStates::Piece left{static_cast<int>(b), piece.box, {}};
      piece.tree->for_each_part([&](int level, Index number, Index merged, const FoldTree::State& state) {
        left.parts.push_back({level, number, merged, state});
      });
      if (!left.parts.empty()) states.pieces().push_back(std::move(left));
    });
  }
}

}  // namespace freestone
