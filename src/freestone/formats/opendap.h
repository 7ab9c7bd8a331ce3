/// OPeNDAP: datasets that a server cuts and sends (DAP2 and DAP4), through libnetcdf in a plug-in.
///
/// The plug-in libfreestone_opendap.so is loaded when the first such URL is opened: libnetcdf and what it brings stay out of the process otherwise.
/// Calls into it are made one at a time, on threads that can be left behind when a run is cancelled.
#pragma once

#include <optional>
#include <string>

#include "freestone/formats/format.h"

namespace freestone::formats::opendap {

/// Whether a URL says of itself that it is one: dap2://, dap4://, dods://, or #dap2, #dap4, #mode=dap2 behind it, as libnetcdf has it.
bool says_so(const std::string& url);
/// Whether the server answers for `url`.dds as DAP2 wants it.
/// @throws Error as RemoteFile::open
bool answers(const std::string& url);

/// A group of the variables.
/// @throws Error kind user: the plug-in is not there, with what to do; kind io: the server or libnetcdf refuses
Contents open(const std::string& url);

/// Version of libnetcdf, or why the plug-in cannot be loaded: for `doctor`.
std::string plugin_state();

}  // namespace freestone::formats::opendap
