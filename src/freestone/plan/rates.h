/// Rates of a machine, for pricing plans.
#pragma once

#include <string>

#include "freestone/base/quantity.h"

namespace freestone {

/// The defaults suit a core of the 2020s and a local SSD with a warm page cache; `freestone doctor --calibrate` measures this machine's.
struct Rates {
  double read_bytes_per_second = 4e9;     ///< one lane, into memory
  double again_bytes_per_second = 4e8;    ///< what is read twice, read over, or was spilled: the disk may have to give it again
  double write_bytes_per_second = 1.5e9;  ///< one lane
  double all_read_bytes_per_second = 0;   ///< all lanes together; 0: no limit but the lanes
  double all_write_bytes_per_second = 5e8;  ///< likewise: the disk's, once the system's memory for it is full
  double decode_bytes_per_second = 4e8;   ///< one lane, bytes that come out of a codec
  double request_seconds = 2e-6;
  double tile_seconds = 10e-6;
  double core_speed = 1;                  ///< of this machine's cores, in those of the machine that operations were timed on
  double shared_bytes_per_second = 12e9;  ///< one lane, beyond its own cache
  double memory_bytes_per_second = 6e9;   ///< one lane, beyond the cache that lanes share
  double fresh_bytes_per_second = 3e9;    ///< memory that is touched for the first time
  Index cache_bytes = Index{3} << 19;     ///< of one lane
  Index shared_cache_bytes = Index{24} << 20;
};

/// Where calibrated rates are kept: $XDG_CONFIG_HOME/freestone/rates.json.
std::string rates_path();

/// The calibrated rates, or the defaults where there are none.
/// @throws Error kind user: the file is damaged, naming it
Rates known_rates();

/// @throws Error kind io
void save_rates(const Rates& rates);

/// Name and value of every rate, in the order of the struct.
std::string to_json_text(const Rates& rates);

}  // namespace freestone
