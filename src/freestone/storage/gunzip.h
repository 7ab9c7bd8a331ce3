/// Files compressed by gzip, decompressed once.
///
/// A stream of deflate can only be read from its start, and tiles are wanted from anywhere, by all lanes, perhaps twice. So the whole is
/// decompressed when the file is opened, into a file without a name in the folder for temporary files, and everything reads that
/// (docs/decisions/0021).
#pragma once

#include <memory>

#include "freestone/storage/file.h"

namespace freestone {

/// True when the file begins as gzip's do.
bool is_gzip(const ByteReader& file);

/// The contents of `file`, under its name and identity but with their own size; the disk is checked for room as they grow. Members that follow
/// each other are one, as gzip has it. Opened again while somebody still holds it, the same copy is given.
/// @throws Error kind data: damaged or cut short; kind io: no room, or no such folder
std::shared_ptr<const File> gunzip(const std::shared_ptr<const File>& file, const std::string& folder);

}  // namespace freestone
