#include "freestone/ops/lent_functions.h"

#include <algorithm>
#include <list>
#include <mutex>
#include <nlohmann/json.hpp>

#include "freestone/ops/program.h"

namespace freestone {
namespace {

using Json = nlohmann::json;

struct Lent {
  std::string identity;
  UserCallFunction call;
  std::shared_ptr<const void> origin;
};

class Library {
 public:
  static Library& of_process() {
    static Library library;
    return library;
  }
  std::list<Lent>::iterator add(Lent lent) {
    const std::lock_guard lock(mutex_);
    return lent_.insert(lent_.begin(), std::move(lent));
  }
  void remove(std::list<Lent>::iterator place) {
    std::list<Lent> gone;  // what a function holds may lend, too
    const std::lock_guard lock(mutex_);
    gone.splice(gone.begin(), lent_, place);
  }
  std::optional<Lent> find(const std::string& identity) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(lent_.begin(), lent_.end(), [&](const Lent& lent) { return lent.identity == identity; });
    return found == lent_.end() ? std::nullopt : std::optional(*found);
  }

 private:
  std::mutex mutex_;
  std::list<Lent> lent_;
};

void check(bool holds, const char* what) {
  if (!holds) fail(ErrorKind::kData, "A user function in the plan is damaged: {}.", what);
}

Shape lengths(const Json& params, const char* key, std::size_t rank, Index least) {
  const auto values = params.at(key).get<std::vector<Index>>();
  check(values.size() == rank && std::all_of(values.begin(), values.end(), [&](Index n) { return n >= least; }), "its axes do not fit");
  return Shape(values);
}

}  // namespace

std::shared_ptr<const void> lend_function(const std::string& identity, UserCallFunction call, std::shared_ptr<const void> origin) {
  const auto place = Library::of_process().add({identity, std::move(call), std::move(origin)});
  return {&*place, [place](const void*) { Library::of_process().remove(place); }};
}

std::shared_ptr<const Op> lent_function_op(const Json& params, const std::vector<Spec>& inputs) {
  UserFunction f;
  f.identity = params.at("function").get<std::string>();
  f.name = params.at("name").get<std::string>();
  std::optional<Lent> lent = Library::of_process().find(f.identity);
  if (!lent)
    fail(ErrorKind::kData, "The plan calls the user function {}, which no file can hold. Make the plan again in the program that has it.", f.name);
  f.call = std::move(lent->call), f.origin = std::move(lent->origin);
  const std::size_t rank = params.at("extents").size();
  f.extents = lengths(params, "extents", rank, 0);
  f.steps = Dims(lengths(params, "steps", rank, 1));
  f.block = lengths(params, "block", rank, 1);
  f.before = Dims(lengths(params, "before", rank, 0));
  f.after = Dims(lengths(params, "after", rank, 0));
  f.free = params.at("free").get<bool>();
  f.contiguous = params.at("contiguous").get<bool>();
  f.memory_factor = double_of(params.at("memory_factor"));
  check(f.memory_factor >= 0 && f.memory_factor < 1e9, "its memory is none");
  for (const Json& edge : params.at("edges")) {
    const int boundary = edge.at("boundary").get<int>();
    check(boundary >= 0 && boundary <= static_cast<int>(kernels::Boundary::kConstant), "an edge is none");
    f.open.push_back(edge.at("open").get<bool>());
    f.edges.push_back({static_cast<kernels::Boundary>(boundary), double_of(edge.at("constant"))});
  }
  f.inputs = params.at("inputs").get<std::vector<std::vector<int>>>();
  const auto is_axis = [&](int loop) { return loop >= -1 && loop < static_cast<int>(rank); };
  check(f.edges.size() == rank && f.inputs.size() == inputs.size(), "its inputs do not fit");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Shape& shape = inputs[i].shape;
    check(static_cast<int>(f.inputs[i].size()) == shape.rank(), "its inputs do not fit");
    for (int k = 0; k < shape.rank(); ++k) {
      const int loop = f.inputs[i][static_cast<std::size_t>(k)];
      check(is_axis(loop) && (loop < 0 || shape[k] == 1 || shape[k] == f.extents[loop]), "its inputs do not fit");
    }
  }
  for (const Json& output : params.at("outputs")) {
    f.outputs.push_back({parse_dtype(output.at("dtype").get<std::string>()), output.at("axes").get<std::vector<int>>(),
                         Shape(output.at("shape").get<std::vector<Index>>())});
    const UserFunction::Output& made = f.outputs.back();
    check(static_cast<int>(made.axes.size()) == made.shape.rank(), "its outputs do not fit");
    for (int k = 0; k < made.shape.rank(); ++k) {
      const int loop = made.axes[static_cast<std::size_t>(k)];
      check(is_axis(loop) && made.shape[k] >= 0, "its outputs do not fit");
      check(loop < 0 || made.shape[k] == (f.extents[loop] + f.steps[loop] - 1) / f.steps[loop], "its outputs do not fit");
    }
  }
  return std::make_shared<UserFunctionOp>(std::move(f), inputs);
}

}  // namespace freestone
