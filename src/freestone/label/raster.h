/// What the stored numbers of a raster mean: nodata, scale and offset, in the words that GeoTIFF and GDAL have for them.
///
/// One rule for pipelines, Python and datasets, that of xarray's `open_dataset(engine="rasterio")`: what is nodata is missing (NaN), and packed
/// numbers become what they stand for. `convert` copies what is stored.
#pragma once

#include <optional>
#include <string>

#include "freestone/formats/format_choice.h"
#include "freestone/label/cf.h"
#include "freestone/label/open.h"

namespace freestone {

/// `decode_cf` of a variable with the attributes `nodata`, `scale` and `offset`; each is one number for all bands, `scale` and `offset` also
/// a list with one for each (`band_2:nodata` is that of one band). The dtype is decode_cf's for _FillValue, scale_factor and add_offset; float64
/// where bands have their own scales. Attributes that were obeyed go to the encoding; `nodata` becomes NaN. Complex rasters stay as they are.
DatasetVariable decode_raster(const DatasetVariable& variable, const CfOptions& options = {});

/// The mask that the file of a raster has for it: (y, x) of bool, true where pixels count; none where it has none.
std::optional<Array> mask_of_raster(const Opened& opened);

/// The attribute that says which stored number is missing: `nodata`, else `_FillValue`, where it is one number; none otherwise.
std::optional<formats::AttributeValue> nodata_of(const std::vector<formats::Attribute>& attributes);

/// What missing pixels become in a file.
struct NodataChoice {
  std::optional<formats::AttributeValue> wanted;  ///< by the user; NaN goes with floating numbers
  std::optional<formats::AttributeValue> former;  ///< what it was in the file that they come from
};

/// `variable` in `dtype`, and what is missing in it as a number of that type, which the attribute `nodata` names. What the attribute says
/// now is kept where `dtype` has it; else the former one, else the lowest of signed integers or the largest of unsigned ones, as gdal_calc
/// chooses. Variables without such an attribute are converted alone, unless a number is wanted: then NaN becomes it. Of complex and bool
/// ones nothing is missing.
/// @throws Error kind user: `dtype` has no such number as is wanted
DatasetVariable as_stored(const DatasetVariable& variable, DType dtype, const NodataChoice& choice = {});

/// `as_stored` in the variable's own dtype with a wanted number, as a file of `format` has it: attribute `_FillValue` where files hold several
/// arrays, else `nodata`. A variable that was decoded is encoded with that number for what is missing.
/// @throws Error kind user: as as_stored and check_nodata, naming the variable
DatasetVariable with_nodata(const DatasetVariable& variable, const formats::AttributeValue& nodata, const std::string& path, const formats::FormatChoice& format);

/// @throws Error kind user: files of `format` have no place for a nodata value of `dtype`
void check_nodata(const std::string& path, const std::string& format, DType dtype);

/// The variable that `opened` means, decoded as its format has it; what the mask of a GeoTIFF's image leaves out is missing. Axes without a name
/// have "".
DatasetVariable variable_from(const Opened& opened, const CfOptions& options = {});

}  // namespace freestone
