/// open: from a file to Arrays with their metadata.
///
/// The path may name a part: "cube.fits[DATA]", "cube.fits[1]". Only metadata is read.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "freestone/array/array.h"
#include "freestone/formats/format.h"

namespace freestone {

class Opened {
 public:
  Opened(formats::Contents contents, std::string selector);

  const formats::Contents& contents() const { return *contents_; }
  /// The variable that the path selects: the first with pixels, when it says nothing.
  const formats::Variable& variable() const { return *variable_; }
  /// Its data; what the file's mask leaves out (CASA) is NaN where the dtype has it; a Fortran-order npy file comes transposed, so that axes are as NumPy has them.
  Array array() const;
  /// Integers that FITS marks as missing by BLANK, as they are stored, where nothing but an offset of unsigned ones stands between; none for all others.
  struct Stored {
    Array array;
    formats::AttributeValue blank;  ///< the number that means nothing, as `array` has it
  };
  std::optional<Stored> stored_integers() const;

 private:
  std::shared_ptr<const formats::Contents> contents_;
  const formats::Variable* variable_;
};

/// @throws Error kind io, data, user: as formats::open_file and formats::select_variable
Opened open(const std::string& path);

/// The source behind a Source::reference, for saved plans.
std::shared_ptr<const Source> open_reference(const std::string& reference);

}  // namespace freestone
