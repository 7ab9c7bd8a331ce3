/// CF packing: from stored numbers to what they mean, and back.
///
/// `decode_cf` turns a variable's attributes into lazy arithmetic: fill values become NaN, packed integers become floating numbers,
/// integers that are unsigned by declaration become so. The attributes that it has obeyed move to the variable's `encoding`, from where
/// `encode_cf` takes them to store the numbers as they were. Dtypes are those of xarray's decode_cf (2026.9). Times stay numbers: what
/// they mean is asked of label/calendar.h.
#pragma once

#include "freestone/label/dataset.h"

namespace freestone {

/// stored = round_half_even((value - add_offset) / scale_factor); value = stored * scale_factor + add_offset, each step rounded.
///
/// Obeyed: _FillValue and missing_value (one number or several; those that the dtype cannot hold match nothing), scale_factor, add_offset,
/// _Unsigned, "dtype" = "bool", and on request valid_min, valid_max, valid_range, which are in stored numbers. The dtype of the result:
///   - scaled: float64; float32 when scale_factor, and add_offset if there is one, are float32 (not with an offset to 4-byte integers). An
///     attribute is float32 when its `comment` says "float32"; JSON has float64 only;
///   - with fill values alone: floating numbers stay, integers of at most two bytes become float32, wider ones float64; whole numbers of
///     time ("days since ...") stay exact, in int64, where the lowest one stands for what is missing;
///   - otherwise as stored.
/// Complex variables and those without such attributes stay as they are.
/// @throws Error kind data, naming variable and attribute: it is not a number, or there are several where one is meant
DatasetVariable decode_cf(const DatasetVariable& variable, const CfOptions& options = {});

/// All variables; those that "coordinates", "bounds", "climatology" and "grid_mapping" name become coordinates (as xarray has it with
/// decode_coords="all"), and bounds take units and calendar of what they bound.
/// @throws Error kind data, naming the file too
Dataset decode_cf(const Dataset& dataset, const CfOptions& options = {});

/// What `decode_cf` made, and what was computed from it, in stored numbers, with its attributes back. NaN becomes _FillValue, else
/// missing_value; so does, where there is one of them, what the stored dtype cannot hold, which otherwise becomes its nearest number.
/// @throws Error kind user: _FillValue and missing_value differ; kind data: as decode_cf
DatasetVariable encode_cf(const DatasetVariable& variable);

/// Whether `units` are of a time axis: "days since 2000-01-01".
bool are_time_units(const std::string& units);

}  // namespace freestone
