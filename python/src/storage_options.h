/// How a URL is reached, as Python says it.
#pragma once

#include <nanobind/nanobind.h>

#include "freestone/storage/remote_options.h"

namespace freestone::python {

/// What Python's storage options say, by the names of RemoteOptions.
RemoteOptionsRef remote_options_of(const nanobind::dict& values);

}  // namespace freestone::python
