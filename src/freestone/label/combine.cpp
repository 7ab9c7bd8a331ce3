#include "freestone/label/combine.h"

#include <glob.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <numeric>
#include <thread>

#include "freestone/label/cf.h"
#include "freestone/label/coordinate.h"
#include "freestone/label/memory_array.h"
#include "freestone/label/selection.h"
#include "freestone/ops/concat.h"
#include "freestone/ops/elementwise.h"
#include "freestone/runtime/lanes.h"
#include "freestone/storage/location.h"
#include "freestone/storage/remote_options.h"

namespace freestone {
namespace {

/// A dataset and the labels of its axes, by axis.
struct Labelled {
  Dataset dataset;
  std::map<std::string, CoordinateValues> labels;
};

/// Calls `work(i)` for each i below `count`, some of them at the same time.
void for_each_in_parallel(std::size_t count, int threads, const std::function<void(std::size_t)>& work) {
  if (count == 0) return;
  if (threads < 1) threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  std::atomic<std::size_t> next = 0;
  Cancel stop;
  const RemoteScope::State state = RemoteScope::now();
  run_lanes(static_cast<int>(std::min(count, static_cast<std::size_t>(threads))), stop, [&](int) {
    const RemoteScope scope(state.options, state.look);
    for (std::size_t i = next++; i < count && !stop.requested(); i = next++) work(i);
  });
}

void read_labels(Labelled& labelled, const ComputeOptions& options, const CfOptions& cf = {.decode_cf = false}) {
  for (const DatasetVariable& variable : labelled.dataset.variables()) {
    if (!variable.is_dimension_coordinate() || labelled.labels.contains(variable.dims[0])) continue;
    try {
      labelled.labels.emplace(variable.dims[0], CoordinateValues::read(decode_cf(variable, cf), options));
    } catch (Error& error) {
      error.within(labelled.dataset.path());
      throw;
    }
  }
}

std::vector<Labelled> with_labels(const std::vector<Dataset>& datasets, const CombineOptions& options) {
  std::vector<Labelled> out(datasets.size());
  for_each_in_parallel(datasets.size(), options.threads, [&](std::size_t i) {
    out[i].dataset = datasets[i];
    read_labels(out[i], options.compute);
  });
  return out;
}

/// @throws Error kind user: one is a time and the other not, or their calendars differ
void check_comparable(const Labelled& first, const Labelled& other, const std::string& dim) {
  const CoordinateValues &a = first.labels.at(dim), &b = other.labels.at(dim);
  const auto kind = [](const CoordinateValues& values) { return values.is_time() ? "times of the calendar " + name_of(values.calendar()) : "numbers"; };
  if (kind(a) != kind(b)) {
    fail(ErrorKind::kUser, "{}: coordinate '{}' holds {}, and in {} {}.", other.dataset.path(), dim, kind(b), first.dataset.path(), kind(a));
  }
}

/// The first position where labels differ, or -1.
Index first_difference(const CoordinateValues& a, const CoordinateValues& b) {
  const auto in = [](const auto& x, const auto& y) -> Index {
    const auto [p, q] = std::mismatch(x.begin(), x.end(), y.begin(), y.end());
    return p == x.end() && q == y.end() ? -1 : p - x.begin();
  };
  return a.is_time() ? in(a.instants(), b.instants()) : in(a.numbers(), b.numbers());
}

void check_equal(const Labelled& first, const Labelled& other, const std::string& dim) {
  check_comparable(first, other, dim);
  const CoordinateValues &a = first.labels.at(dim), &b = other.labels.at(dim);
  const Index at = first_difference(a, b);
  if (at < 0) return;
  const auto label = [&](const CoordinateValues& values) { return at < values.size() ? values.text(at) : std::string("no label"); };
  fail(ErrorKind::kUser, "{}: coordinate '{}' has {} at position {}, and in {} it has {}. An inner join would take the labels that they share.",
       other.dataset.path(), dim, label(b), at, first.dataset.path(), label(a));
}

/// Positions in each of the labels that all have, in the order of the first.
template <class Key>
std::vector<std::vector<Index>> shared_positions(const std::vector<const std::vector<Key>*>& keys) {
  std::vector<std::map<Key, Index>> positions(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    for (std::size_t k = 0; k < keys[i]->size(); ++k) {
      const Key& key = (*keys[i])[k];
      if (key == key) positions[i].emplace(key, static_cast<Index>(k));  // NaN is nobody's label
    }
  }
  std::vector<std::vector<Index>> out(keys.size());
  for (const Key& key : *keys[0]) {
    if (key != key || !std::all_of(positions.begin(), positions.end(), [&](const auto& map) { return map.contains(key); })) continue;
    for (std::size_t i = 0; i < keys.size(); ++i) out[i].push_back(positions[i].at(key));
  }
  return out;
}

PositionSelector selector_of(std::vector<Index> positions) {
  const bool is_run = !positions.empty() && positions.back() - positions.front() + 1 == static_cast<Index>(positions.size()) &&
                      std::is_sorted(positions.begin(), positions.end());
  if (is_run) return Slice{positions.front(), positions.back() + 1};
  return positions;
}

void align_all(std::vector<Labelled>& all, Join join, const std::vector<std::string>& except) {
  std::vector<std::string> dims;
  for (const Labelled& one : all) {
    for (const auto& [dim, values] : one.labels) {
      const auto is_in = [&](const std::vector<std::string>& names) { return std::find(names.begin(), names.end(), dim) != names.end(); };
      if (!is_in(dims) && !is_in(except)) dims.push_back(dim);
    }
  }
  for (const std::string& dim : dims) {
    std::vector<Labelled*> having;
    for (Labelled& one : all) {
      if (one.labels.contains(dim)) having.push_back(&one);
    }
    bool equal = true;
    for (Labelled* one : having) {
      if (join == Join::kExact) check_equal(*having[0], *one, dim);
      check_comparable(*having[0], *one, dim);
      equal = equal && first_difference(having[0]->labels.at(dim), one->labels.at(dim)) < 0;
    }
    if (equal) continue;
    const auto cut = [&]<class Key>(const std::vector<Key>& (CoordinateValues::*keys_of)() const) {
      std::vector<const std::vector<Key>*> keys;
      for (const Labelled* one : having) keys.push_back(&(one->labels.at(dim).*keys_of)());
      std::vector<std::vector<Index>> positions = shared_positions(keys);
      for (std::size_t i = 0; i < having.size(); ++i) having[i]->dataset = isel(having[i]->dataset, {{dim, selector_of(std::move(positions[i]))}});
    };
    if (having[0]->labels.at(dim).is_time()) {
      cut(&CoordinateValues::instants);
    } else {
      cut(&CoordinateValues::numbers);
    }
  }
}

/// The only axis along which labels differ.
std::string differing_dim(const std::vector<Labelled>& all) {
  std::vector<std::string> differing, apart;  // apart: no file has the labels of the first
  for (const auto& [dim, values] : all[0].labels) {
    const bool same = std::all_of(all.begin(), all.end(), [&](const Labelled& one) {
      const auto found = one.labels.find(dim);
      if (found == one.labels.end()) return true;
      check_comparable(all[0], one, dim);
      return first_difference(values, found->second) < 0;
    });
    if (!same) differing.push_back(dim);
    const bool all_differ = std::none_of(all.begin() + 1, all.end(), [&](const Labelled& one) {
      const auto found = one.labels.find(dim);
      return found == one.labels.end() || first_difference(values, found->second) < 0;
    });
    if (all_differ) apart.push_back(dim);
  }
  if (differing.size() == 1) return differing[0];
  // Along one axis they follow each other; what else differs is a conflict, which joining will name.
  if (apart.size() == 1) return apart[0];
  std::vector<std::string> times;
  std::copy_if(apart.begin(), apart.end(), std::back_inserter(times), [&](const std::string& dim) { return all[0].labels.at(dim).is_time(); });
  if (times.size() == 1) return times[0];
  if (differing.empty()) {
    fail(ErrorKind::kUser, "{} and {}: their coordinates are the same, so that nothing says along which axis they follow each other. Name it.",
         all[0].dataset.path(), all[1].dataset.path());
  }
  fail(ErrorKind::kUser, "{} and others: their labels differ along {}. Nothing says along which of them they follow each other "
       "(concat_dim of open says it in Python, dim of open_datasets in C++).", all[0].dataset.path(),
       fmt::join(differing, " and "));
}

/// Puts `all` into the order of their labels along `dim`, all rising or all falling.
void order_by_label(std::vector<Labelled>& all, const std::string& dim) {
  const bool falling = std::any_of(all.begin(), all.end(), [&](const Labelled& one) { return one.labels.at(dim).direction() < 0; });
  const auto in = [&](auto key_of) {
    for (const Labelled& one : all) {
      const CoordinateValues& labels = one.labels.at(dim);
      if (labels.size() == 0) continue;
      const bool is_ordered = key_of(one, Index{0}) == key_of(one, Index{0}) && (labels.size() == 1 || labels.direction() == (falling ? -1 : 1));
      if (!is_ordered) {
        fail(ErrorKind::kData, "{}: coordinate '{}' does not {} throughout, so that its place among the other files is not known.",
             one.dataset.path(), dim, falling ? "fall" : "rise");
      }
    }
    const auto is_before = [&](const auto& a, const auto& b) { return falling ? b < a : a < b; };
    std::stable_sort(all.begin(), all.end(), [&](const Labelled& a, const Labelled& b) {
      const Index n = a.labels.at(dim).size(), m = b.labels.at(dim).size();
      if (n == 0 || m == 0) return n == 0 && m != 0;
      return is_before(key_of(a, Index{0}), key_of(b, Index{0}));
    });
    const Labelled* before = nullptr;
    for (const Labelled& one : all) {
      const CoordinateValues& labels = one.labels.at(dim);
      if (labels.size() == 0) continue;
      if (before != nullptr) {
        const Index last = before->labels.at(dim).size() - 1;
        if (!is_before(key_of(*before, last), key_of(one, Index{0}))) {
          fail(ErrorKind::kData, "{} goes to '{}' = {}, and {} begins at {}: they overlap.", before->dataset.path(), dim,
               before->labels.at(dim).text(last), one.dataset.path(), labels.text(0));
        }
      }
      before = &one;
    }
  };
  if (all[0].labels.at(dim).is_time()) {
    in([&](const Labelled& one, Index i) { return one.labels.at(dim).instants()[static_cast<std::size_t>(i)]; });
  } else {
    in([&](const Labelled& one, Index i) { return one.labels.at(dim).numbers()[static_cast<std::size_t>(i)]; });
  }
}

/// Times of all of them as numbers in the units of `first`: whole ones where they are stored so and stay whole.
Array times_in_units(const std::vector<Labelled>& all, const TimeUnits& units, const std::string& dim, bool stored_as_integers) {
  std::vector<std::int64_t> whole;
  std::vector<double> numbers;
  for (const Labelled& one : all) {
    for (const Instant& instant : one.labels.at(dim).instants()) {
      if (const auto number = stored_as_integers ? units.whole_number(instant) : std::nullopt) whole.push_back(*number);
      numbers.push_back(units.number(instant));
    }
  }
  return whole.size() == numbers.size() && stored_as_integers ? array_in_memory(std::move(whole)) : array_in_memory(std::move(numbers));
}

/// @throws Error kind data: `variable` of `dataset` does not continue `first`
void check_continues(const Dataset& dataset, const DatasetVariable& variable, const Dataset& first_dataset, const DatasetVariable& first, int axis) {
  const auto text = [](const std::vector<std::string>& dims) { return fmt::format("({})", fmt::join(dims, ", ")); };
  if (variable.dims != first.dims) {
    fail(ErrorKind::kData, "{}: variable '{}' has axes {}, and in {} {}.", dataset.path(), variable.name, text(variable.dims),
         first_dataset.path(), text(first.dims));
  }
  for (int k = 0; k < variable.array.rank(); ++k) {
    if (k != axis && variable.array.shape()[k] != first.array.shape()[k]) {
      fail(ErrorKind::kData, "{}: variable '{}' has {} elements along '{}', and in {} {}.", dataset.path(), variable.name, variable.array.shape()[k],
           variable.dims[static_cast<std::size_t>(k)], first_dataset.path(), first.array.shape()[k]);
    }
  }
  const std::string units = variable.text("units"), first_units = first.text("units");
  if (!variable.is_coordinate() && units != first_units && !(are_time_units(units) && are_time_units(first_units))) {
    fail(ErrorKind::kData, "{}: variable '{}' is in '{}', and in {} in '{}'.", dataset.path(), variable.name, units, first_dataset.path(),
         first_units);
  }
}

/// The array of `variable`; when it holds times (bounds, say), in the units of `first`.
Array in_units_of(const DatasetVariable& first, const DatasetVariable& variable, const Dataset& dataset) {
  const std::string text = variable.text("units"), wanted = first.text("units");
  if (!are_time_units(text) || !are_time_units(wanted)) return variable.array;
  const std::string calendar = variable.text("calendar"), wanted_calendar = first.text("calendar");
  if (text == wanted && calendar == wanted_calendar) return variable.array;
  const TimeUnits from(text, calendar), to(wanted, wanted_calendar);
  if (from.calendar() != to.calendar()) {
    fail(ErrorKind::kData, "{}: variable '{}' has times of the calendar {}, others of {}.", dataset.path(), variable.name, name_of(from.calendar()),
         name_of(to.calendar()));
  }
  const double zero = to.number(from.instant(std::int64_t{0})), ratio = from.seconds() / to.seconds();
  const Array numbers = astype(variable.array, DType::kFloat64);
  return (ratio < 1 ? numbers / (to.seconds() / from.seconds()) : numbers * ratio) + zero;
}

Dataset concat_labelled(std::vector<Labelled> all, std::string dim, const CombineOptions& options) {
  if (all.empty()) fail(ErrorKind::kUser, "There are no datasets to put together.");
  if (all.size() == 1) return std::move(all[0].dataset);
  if (dim.empty()) dim = differing_dim(all);
  for (const Labelled& one : all) one.dataset.length(dim);
  const bool is_labelled = all[0].labels.contains(dim);
  for (const Labelled& one : all) {
    if (one.labels.contains(dim) != is_labelled) {
      fail(ErrorKind::kData, "{}: axis '{}' has {} coordinate, and in {} it has {}.", one.dataset.path(), dim, is_labelled ? "no" : "a",
           all[0].dataset.path(), is_labelled ? "one" : "none");
    }
    if (is_labelled) check_comparable(all[0], one, dim);
  }
  const CoordinateValues* first_labels = is_labelled ? &all[0].labels.at(dim) : nullptr;
  const std::optional<TimeUnits> units = is_labelled && first_labels->is_time() ? std::optional(first_labels->units()) : std::nullopt;
  const Dataset first = all[0].dataset;  // as given: what all take from it does not depend on the order of labels
  align_all(all, options.join, {dim});
  if (is_labelled && options.order_by_label) order_by_label(all, dim);

  const Dataset& kept = all[0].dataset;
  std::vector<DatasetVariable> variables;
  for (const DatasetVariable& named : first.variables()) {
    if (!kept.contains(named.name)) fail(ErrorKind::kData, "{}: there is no variable '{}', which {} has.", kept.path(), named.name, first.path());
    DatasetVariable out = kept[named.name];
    out.attributes = named.attributes;
    out.encoding = named.encoding;
    const int axis = out.axis_of(dim);
    const bool is_time_axis = units && out.is_dimension_coordinate() && axis == 0;
    bool stored_as_integers = true;
    std::vector<Array> parts;
    for (const Labelled& one : all) {
      if (!one.dataset.contains(out.name)) {
        fail(ErrorKind::kData, "{}: there is no variable '{}', which {} has.", one.dataset.path(), out.name, first.path());
      }
      const DatasetVariable& variable = one.dataset[out.name];
      check_continues(one.dataset, variable, kept, out, axis);
      stored_as_integers = stored_as_integers && is_integer(variable.array.dtype());
      parts.push_back(is_time_axis ? variable.array : in_units_of(out, variable, one.dataset));
    }
    if (is_time_axis) {
      out.array = times_in_units(all, *units, dim, stored_as_integers);
    } else if (axis >= 0) {
      out.array = concat(parts, axis);
    }
    variables.push_back(std::move(out));
  }
  for (const Labelled& one : all) {
    for (const DatasetVariable& variable : one.dataset.variables()) {
      if (!first.contains(variable.name)) {
        fail(ErrorKind::kData, "{}: there is no variable '{}', which {} has.", first.path(), variable.name, one.dataset.path());
      }
    }
  }
  return first.with(std::move(variables));
}

/// The variables of these names, and their coordinates.
Dataset with_those_alone(const Dataset& dataset, const std::vector<std::string>& names) {
  std::vector<DatasetVariable> kept;
  const auto keep = [&](const DatasetVariable& variable) {
    if (std::none_of(kept.begin(), kept.end(), [&](const DatasetVariable& v) { return v.name == variable.name; })) kept.push_back(variable);
  };
  for (const std::string& name : names) {
    for (const DatasetVariable& coordinate : coordinates_of(dataset, dataset[name])) keep(coordinate);
    keep(dataset[name]);
  }
  return dataset.with(std::move(kept));
}

/// Whether variables of one name are stored as one type, with the same attributes that say how they are packed.
bool are_packed_alike(const Dataset& a, const Dataset& b) {
  constexpr const char* kPacking[] = {"_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned", "dtype", "valid_min", "valid_max", "valid_range"};
  return std::all_of(a.variables().begin(), a.variables().end(), [&](const DatasetVariable& variable) {
    if (!b.contains(variable.name)) return true;  // an error of its own
    const DatasetVariable& other = b[variable.name];
    const auto same = [&](const char* key) {
      const formats::Attribute *mine = variable.attribute(key), *theirs = other.attribute(key);
      if (mine == nullptr || theirs == nullptr) return mine == theirs;
      const auto *x = std::get_if<double>(&mine->value), *y = std::get_if<double>(&theirs->value);
      const bool are_nan = x != nullptr && y != nullptr && *x != *x && *y != *y;
      return are_nan || *mine == *theirs;
    };
    return variable.array.dtype() == other.array.dtype() && std::all_of(std::begin(kPacking), std::end(kPacking), same);
  });
}

}  // namespace

std::vector<Dataset> align(const std::vector<Dataset>& datasets, Join join, const std::vector<std::string>& except, const ComputeOptions& compute) {
  std::vector<Labelled> all = with_labels(datasets, {.compute = compute});
  align_all(all, join, except);
  std::vector<Dataset> out;
  for (Labelled& one : all) out.push_back(std::move(one.dataset));
  return out;
}

Dataset concat(const std::vector<Dataset>& datasets, const std::string& dim, const CombineOptions& options) {
  return concat_labelled(with_labels(datasets, options), dim, options);
}

std::vector<std::string> expand_paths(const std::string& pattern) {
  std::error_code error;
  if (is_url(pattern) || pattern.find_first_of("*?[") == std::string::npos || std::filesystem::exists(pattern, error)) return {pattern};
  glob_t found{};
  const int status = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> out(found.gl_pathv, found.gl_pathv + (status == 0 ? found.gl_pathc : 0));
  ::globfree(&found);
  if (out.empty()) fail(ErrorKind::kUser, "{}: no file has such a name.", pattern);
  return out;
}

Dataset open_datasets(const std::vector<std::string>& paths, const std::string& dim, const CfOptions& cf, const CombineOptions& options) {
  std::vector<Labelled> all(paths.size());
  CfOptions structure = cf;
  structure.mask_and_scale = false;
  for_each_in_parallel(paths.size(), options.threads, [&](std::size_t i) {
    all[i].dataset = open_dataset(paths[i], structure);
    if (!options.variables.empty()) all[i].dataset = with_those_alone(all[i].dataset, options.variables);
    read_labels(all[i], options.compute, cf);
  });
  // Numbers that are packed alike everywhere are unpacked once, behind the joint, instead of once a file.
  const bool alike = std::all_of(all.begin(), all.end(), [&](const Labelled& one) { return are_packed_alike(all[0].dataset, one.dataset); });
  if (!alike) {
    for (Labelled& one : all) one.dataset = decode_cf(one.dataset, cf);
  }
  const Dataset joined = concat_labelled(std::move(all), dim, options);
  return alike ? decode_cf(joined, cf) : joined;
}

}  // namespace freestone
