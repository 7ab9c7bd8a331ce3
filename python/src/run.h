/// Runs: computing and writing from Python, interruptible.
#pragma once

#include <nanobind/nanobind.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "freestone/exec/compute.h"
#include "freestone/formats/format.h"

namespace freestone::python {

/// What a run is told: its settings and who watches.
struct RunSetup {
  Settings settings;
  std::vector<std::shared_ptr<Observer>> observers;
  bool resume = false;  ///< writes take up what a killed run of the same job has left
  nanobind::object cluster = {};  ///< null: this process computes; else what does it: `compute(arrays, setup)`, `write(outputs, setup)`, `persist(arrays, setup)`
};

/// Chunks and compression by their names in Python.
formats::Packing packing_from(const nanobind::dict& storage);
/// An int exactly.
/// @throws Error kind user, which begins with `name`: neither int64 nor uint64 has it
formats::AttributeValue whole_from(nanobind::handle number, const std::string& name);
/// The number of its `nodata`.
/// @throws Error kind user: it is none, or a whole one beyond int64 and uint64
std::optional<formats::AttributeValue> nodata_from(const nanobind::dict& storage);

/// Calls `work` without the GIL. The main thread, where Python handles signals, has it called in another thread, waits in slices of 50 ms and
/// looks for signals: the first one whose handler raises (Ctrl-C) cancels the work, and what the handler raised is raised here when the work
/// has ended.
void run_interruptibly(const RunSetup& setup, const std::function<void(const ComputeOptions&)>& work);

}  // namespace freestone::python
