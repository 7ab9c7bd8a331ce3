#include "freestone/geo/projection.h"

#include <cmath>
#include <limits>
#include <mutex>

#include "freestone/base/error.h"
#include "freestone/base/plugin.h"
#include "freestone/geo/proj_plugin.h"

namespace freestone::geo {
namespace {

const FreestoneProj& plugin() {
  const Plugin& loaded = load_plugin("proj", "freestone_proj");
  if (loaded.entry == nullptr) {
    fail(ErrorKind::kUser,
         "From one CRS to another is worked out by a plug-in, libfreestone_proj.so, which cannot be loaded ({}). It is built where PROJ is (on Debian: libproj-dev).",
         loaded.why_not);
  }
  const FreestoneProj* table = reinterpret_cast<const FreestoneProj* (*)()>(loaded.entry)();
  if (table == nullptr || table->version != kFreestoneProjVersion) {
    fail(ErrorKind::kUser, "{}: the plug-in is of another version of Freestone. Build it anew.", loaded.path);
  }
  return *table;
}

}  // namespace

struct Projection::State {
  void* way = nullptr;
  std::mutex mutex;
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (way != nullptr) plugin().close(way);
  }
};

Projection::Projection(const std::string& from, const std::string& to) : state_(std::make_shared<State>()) {
  if (from == to) return;
  char error[512] = {};
  state_->way = plugin().open(from.c_str(), to.c_str(), error, sizeof error);
  if (state_->way == nullptr) fail(ErrorKind::kUser, "From {} to {}: {}.", from, to, error);
}

void Projection::transform(std::span<double> x, std::span<double> y) const {
  ensure(x.size() == y.size(), "a y for each x");
  if (state_->way == nullptr || x.empty()) return;
  const std::lock_guard lock(state_->mutex);
  plugin().transform(state_->way, x.data(), y.data(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) x[i] = y[i] = std::numeric_limits<double>::quiet_NaN();
}

std::string wkt_of(const std::string& crs) {
  if (crs.find('[') != std::string::npos) return crs;
  std::string text(8192, '\0');
  for (;;) {
    const std::size_t length = plugin().wkt(crs.c_str(), text.data(), text.size());
    if (length == 0) fail(ErrorKind::kUser, "{}.", text.c_str());
    if (length < text.size()) return text.substr(0, length);
    text.resize(length + 1);
  }
}

std::string projection_status() {
  try {
    return std::string("PROJ ") + plugin().library();
  } catch (const Error& error) {
    return error.message();
  }
}

}  // namespace freestone::geo
