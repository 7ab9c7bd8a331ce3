/// SkyArray: a labelled array with its place in the sky and the spectrum: dimensions, coordinates, attributes, unit; WCS, beams, header.
///
/// What SpectralCube's reductions give: images (latitude, longitude), spectra, numbers; what SpectralCube is made of; and a variable of a
/// dataset, with the coordinates that label its axes. Whoever makes one of another takes along what still holds (derived.h). `variable_of`
/// and `dataset_of` are the way to the labels of label/, which know nothing of a sky, `with_labels` the way back.
/// A value: operations return new ones. Lazy: nothing is read before it is computed or written.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/astro/beam.h"
#include "freestone/astro/header.h"
#include "freestone/astro/wcs.h"
#include "freestone/exec/compute.h"
#include "freestone/label/dataset.h"
#include "freestone/label/open.h"
#include "freestone/label/raster.h"
#include "freestone/label/units.h"

namespace freestone::astro {

/// Where a SkyArray is written: format by suffix or name; FITS gets WCS, BUNIT, beam (or a BEAMS table) and header.
struct WriteOptions {
  std::string format;
  bool overwrite = false;
  std::optional<DType> dtype;  ///< converts the elements
  std::string history;         ///< a HISTORY card: what was done
  formats::Packing packing;    ///< chunks and compression, where the format has them
  std::vector<std::string> unlimited_dims;  ///< see formats::WriteRequest
  std::string append;                       ///< see formats::WriteRequest
  std::vector<formats::TextRequest> texts;  ///< see DatasetWriteOptions
  std::vector<DatasetVariable> beside;        ///< coordinates that no array has, for formats that hold several arrays
  std::vector<formats::Group> groups = {};    ///< see formats::DatasetRequest
  bool is_dataset = false;                    ///< in formats that hold several arrays a single one stands under its name, too
  std::optional<Array> mask;                ///< (y, x) of bool, true where pixels count: written beside the image where the format has such
  NodataChoice nodata = {};                 ///< of rasters: see as_stored
};

struct SkyArray {
  Array data;                     ///< masked elements are NaN
  std::vector<std::string> dims;  ///< "spectral", "y", "x"; others "axis0"...
  Wcs wcs;                        ///< of the remaining axes, in the order of dims; rank 0 when unknown
  Unit unit;
  std::optional<Beam> beam;
  std::vector<Beam> beams;  ///< one a channel, for cubes of varying resolution; else empty
  FitsHeader header;        ///< cards that are neither WCS nor structure
  std::vector<formats::Attribute> attributes;  ///< of formats that have no cards; `units` among them is the spelling of `unit`
  std::string name = {};                       ///< in a file of several arrays: "tas"
  std::vector<DatasetVariable> coordinates = {};  ///< along its axes, and what belongs to them: bounds, the grid mapping

  int rank() const { return data.rank(); }
  /// The number of the dimension called `name`; also "0", "-1", and the WCS name of an axis ("freq", "dec").
  /// @throws Error kind user: there is none; lists the dimensions and the nearest name
  int axis(const std::string& name) const;
  /// Computes and writes. @throws Error kind user: it exists, or the format cannot hold it; kind io, memory
  void write(const std::string& path, const WriteOptions& options = {}, const ComputeOptions& compute = {}) const;
};

/// A file as SkyArray, whatever its rank. FITS: axes in the order (others such as Stokes, "spectral", "y", "x"), those of length 1 that are
/// neither sky nor spectrum dropped; axes without any type are taken by position. Beams from header or BEAMS table (EXTNAME BEAMS);
/// channels without a valid beam become NaN. Other formats: the file's names of axes, or "axis0", "axis1"..., and the coordinates among its
/// neighbours; cards that a FITS file's array took along as attributes are cards again; packed numbers become what they stand for, as
/// `options` say.
/// @throws Error kind data: a WCS or beam that makes no sense
SkyArray sky_array_from(const Opened& opened, const CfOptions& options = {});
/// Plane `plane` of the Stokes axis of a FITS file, with the beams that the BEAMS table has for it (column POL).
/// @throws Error kind user: there is no such plane; kind data: as above
SkyArray stokes_plane_from(const Opened& opened, Index plane);
/// A variable of a dataset.
/// @throws Error kind user: there is none of that name; kind data: as above
SkyArray sky_array_from(const Dataset& dataset, const std::string& name);

/// As a variable without its sky; `unit` is its attribute `units`, spelled as it was. An array without a name is called "data".
DatasetVariable variable_of(const SkyArray& array);
/// The arrays with all their coordinates, each once.
/// @throws Error kind user: two arrays of one name; coordinates of one name that are not the same
Dataset dataset_of(const std::vector<SkyArray>& arrays, const std::vector<formats::Attribute>& attributes = {});
/// `array`, of which `dataset` holds what became of it: data, dimensions, attributes, coordinates and unit are taken from there; the WCS
/// keeps the axes that are as they were.
SkyArray with_labels(const SkyArray& array, const Dataset& dataset);

/// Coordinates of the pixels along one axis (the others at pixel 0; the spectral axis at the reference pixel of the sky), in the axis' own
/// unit; pixel numbers without WCS.
std::vector<double> axis_coordinates(const SkyArray& array, int axis);

/// The pair that write_outputs takes; several of them are written in one pass.
Output output_for(const SkyArray& array, const std::string& path, const WriteOptions& options = {});
/// One array, or several with their coordinates and the attributes of the whole, in a file of a format that holds them; one array without
/// coordinates that is no dataset as `output_for` has it. Formats of a single array get what coordinates say of a raster's pixels, and the log names what is lost.
/// @throws Error kind user: several arrays for a format that holds one; as label's outputs_for
std::vector<Output> outputs_for(const std::vector<SkyArray>& arrays, const std::vector<formats::Attribute>& attributes, const std::string& path,
                                const WriteOptions& options = {});
void write(const SkyArray& array, const std::string& path, const WriteOptions& options = {}, const ComputeOptions& compute = {});

}  // namespace freestone::astro
