// Who watches a run: profiles, progress, the list of tasks; and what is drawn of it.

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <mutex>

#include "freestone/watch/profile.h"
#include "freestone/watch/progress.h"
#include "freestone/watch/vector_page.h"
#include "module.h"

namespace freestone::python {
namespace {

/// What was done when and by whom, up to a million entries; then the newest are not kept.
class TaskRecorder final : public Observer {
 public:
  using Row = std::tuple<std::string, std::string, int, Index, int, std::int64_t, std::int64_t, Index, Index>;
  void on_event(const Event& event) override {
    const bool is_work = event.kind == EventKind::kRead || event.kind == EventKind::kDecode || event.kind == EventKind::kCompute ||
                         event.kind == EventKind::kWrite || event.kind == EventKind::kSpill || event.kind == EventKind::kTaskDone;
    const std::lock_guard lock(mutex_);
    if (is_work && rows_.size() < kMost)
      rows_.emplace_back(name_of(event.kind), event.label, event.stage, event.task, event.lane, event.start_ns, event.end_ns, event.bytes,
                         event.memory);
  }
  std::vector<Row> rows() const {
    const std::lock_guard lock(mutex_);
    return rows_;
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    rows_.clear();
  }

 private:
  static constexpr std::size_t kMost = 1'000'000;
  mutable std::mutex mutex_;
  std::vector<Row> rows_;
};

/// How far runs are, to be looked at from time to time.
class TaskCounter final : public Observer {
 public:
  void on_event(const Event& event) override {
    switch (event.kind) {
      case EventKind::kRunStart: total += event.total, ++begun; break;
      case EventKind::kTaskDone: ++done; break;
      case EventKind::kRead: bytes_read += event.bytes; break;
      case EventKind::kError: failed = true; break;
      case EventKind::kRunEnd: ++ended; break;
      default: break;
    }
  }
  std::atomic<Index> total{0}, done{0}, bytes_read{0}, begun{0}, ended{0};
  std::atomic<bool> failed{false};
};

watch::Rgb color_of(const std::tuple<int, int, int>& color) {
  return {static_cast<std::uint8_t>(std::get<0>(color)), static_cast<std::uint8_t>(std::get<1>(color)),
          static_cast<std::uint8_t>(std::get<2>(color))};
}

using ColorTuple = std::tuple<int, int, int>;

}  // namespace

void bind_watch(nb::module_& module) {
  nb::class_<Observer>(module, "Observer");
  nb::class_<watch::Profile, Observer>(module, "Profile")
      .def("__init__", [](watch::Profile* self) { new (self) watch::Profile(); })
      .def("text", &watch::Profile::text)
      .def("json", &watch::Profile::json)
      .def("html", &watch::Profile::html)
      .def("save", &watch::Profile::save)
      .def_prop_ro("bytes_read", &watch::Profile::bytes_read)
      .def_prop_ro("bytes_written", &watch::Profile::bytes_written)
      .def_prop_ro("bytes_spilled", &watch::Profile::bytes_spilled)
      .def_prop_ro("tasks", &watch::Profile::tasks)
      .def_prop_ro("wall_seconds", &watch::Profile::wall_seconds)
      .def_prop_ro("peak_leased_bytes", &watch::Profile::peak_leased_bytes)
      .def_prop_ro("peak_resident_bytes", &watch::Profile::peak_resident_bytes);
  module.def("make_progress", [](const std::string& mode) { return watch::make_progress(watch::parse_progress_mode(mode)); });
  nb::class_<TaskRecorder, Observer>(module, "TaskRecorder").def(nb::init<>()).def("rows", &TaskRecorder::rows).def("clear", &TaskRecorder::clear);
  nb::class_<TaskCounter, Observer>(module, "TaskCounter")
      .def(nb::init<>())
      .def("numbers", [](const TaskCounter& c) {
        return nb::make_tuple(c.done.load(), c.total.load(), c.bytes_read.load(), c.begun.load(), c.ended.load(), c.failed.load());
      });
  module.def("now_ns", &now_ns);

  using watch::VectorPage;
  nb::class_<VectorPage>(module, "VectorPage")
      .def(nb::init<double, double>())
      .def("box", [](VectorPage& page, double x, double y, double width, double height, ColorTuple fill, const std::string& hint) {
        watch::PageBox box{x, y, width, height, color_of(fill), color_of(fill)};
        box.line_width = 0;
        box.hint = hint;
        page.add(std::move(box));
      })
      .def("text", [](VectorPage& page, double x, double y, const std::string& text, double size, ColorTuple color, bool bold, bool at_end) {
        watch::PageText words{x, y, text, size, color_of(color)};
        words.bold = bold;
        words.anchor = at_end ? watch::Anchor::kEnd : watch::Anchor::kStart;
        page.add(std::move(words));
      })
      .def("svg", &VectorPage::svg)
      .def("save", &VectorPage::save);
}

}  // namespace freestone::python
