/// compute and write: from arrays to results, planned and run.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/base/settings.h"
#include "freestone/core/view.h"
#include "freestone/exec/run_plan.h"
#include "freestone/exec/taking_up.h"
#include "freestone/plan/make_plan.h"
#include "freestone/runtime/future.h"

namespace freestone {

/// A result in memory: elements in C order.
class Tensor {
 public:
  Tensor() = default;
  Tensor(View view, std::shared_ptr<const void> owner) : view_(view), owner_(std::move(owner)) {}
  const Shape& shape() const { return view_.shape; }
  DType dtype() const { return view_.dtype; }
  const View& view() const { return view_; }
  const std::shared_ptr<const void>& owner() const { return owner_; }
  /// @throws Error kind internal: T is not the dtype
  template <class T>
  const T* data() const {
    ensure(dtype_of<T>() == view_.dtype, "a tensor was read as another type");
    return view_.as<T>();
  }
  /// The only element of an array of any real dtype, as double.
  double number() const;

 private:
  View view_;
  std::shared_ptr<const void> owner_;
};

struct ComputeOptions {
  Settings settings;  ///< zero fields are filled by resolved()
  EventStream* events = nullptr;
  const Cancel* cancel = nullptr;
  bool resume = false;                           ///< take up what a killed run of the same job has written
  std::vector<std::string> without_passes = {};  ///< names of planner passes that are left out (plan/graph.h)
  OpenSource open = {};                          ///< needed by `resume`: label's open_reference, as a rule
  bool simulated = false;                        ///< a plan for another machine: free space here does not matter
  double disk_bytes_per_second = 0;              ///< of a simulated disk, all lanes together; 0: as calibrated
};

/// An array and where it goes.
struct Output {
  Array array;
  std::shared_ptr<Sink> sink;
  std::function<std::string()> recipe = {};  ///< what makes the sink again in another process; empty: nothing does
};

/// The plan for writing all `outputs` together.
/// @throws Error kind memory, user: as make_plan
Plan plan_outputs(const std::vector<Output>& outputs, const ComputeOptions& options = {});

/// Plans and runs: all outputs in one go. Outputs on disk keep a journal beside them while the run lasts (exec/journal.h).
/// @throws Error  the first error; with `resume` also kind user: there is nothing to take up, or it is another job
void write_outputs(const std::vector<Output>& outputs, const ComputeOptions& options = {});

/// What writes outputs: write_outputs, or the same elsewhere.
using WriteOutputs = std::function<void(const std::vector<Output>&, const ComputeOptions&)>;

/// Results in memory, all computed together by `write`.
/// @throws Error as `write`; kind memory: they do not fit the budget
std::vector<Tensor> results_of(const std::vector<Array>& arrays, const ComputeOptions& options, const WriteOutputs& write);

/// Results in memory, all computed together.
/// @throws Error kind memory: they do not fit the budget; write them to a file instead
std::vector<Tensor> compute_all(const std::vector<Array>& arrays, const ComputeOptions& options = {});
Tensor compute(const Array& array, const ComputeOptions& options = {});

/// The same on a thread of its own: look at its progress, cancel it, get the result. The work is cancelled and waited for when the last
/// handle on the future goes. `options.events` must live until then; `options.cancel` is not used, the future has its own.
Future<std::vector<Tensor>> compute_all_async(const std::vector<Array>& arrays, const ComputeOptions& options = {});
Future<Tensor> compute_async(const Array& array, const ComputeOptions& options = {});
Future<void> write_async(const std::vector<Output>& outputs, const ComputeOptions& options = {});

/// Arrays computed once, all together, and kept for later work: in memory, the first ones first, while they take at most half of what is free of the budget, in temporary
/// files otherwise. What is kept goes with the last array that uses it; as long as it lies in memory, runs have that much less.
std::vector<Array> persist_all(const std::vector<Array>& arrays, const ComputeOptions& options = {});
Array persist(const Array& array, const ComputeOptions& options = {});

/// Shape of the blocks in which a kept array is stored: its chunks, or all of it, halved until they are of 4 MiB at most.
Shape kept_block(const Array& array);

/// An array over memory that the caller keeps alive through `owner`, and leaves as it is. Up to 64 KiB go into saved plans.
Array from_memory(View view, std::shared_ptr<const void> owner);

/// The array that a Source::reference holds itself, or null when it names a file.
/// @throws Error kind data: damaged
std::shared_ptr<const Source> inline_source(const std::string& reference);

}  // namespace freestone
