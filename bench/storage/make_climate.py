"""Makes the climate files of scripts/bench storage: daily fields of 8 years as NetCDF-4 (2 GB decoded, deflate and shuffle, chunks (24, 180, 360)),
2,000 small files of one step each, and a file of 200,000 chunks."""

import sys

from race import CACHE

YEARS = 8


def axes(nc, days, first, side):
    import numpy as np

    nc.createDimension("time", None)
    nc.createDimension("lat", side[0])
    nc.createDimension("lon", side[1])
    time = nc.createVariable("time", "f8", ("time",))
    time.units, time.calendar, time.standard_name = "days since 2001-01-01", "standard", "time"
    time[:] = first + np.arange(days)
    for name, units, n, low, high in (("lat", "degrees_north", side[0], -90, 90), ("lon", "degrees_east", side[1], 0, 360)):
        v = nc.createVariable(name, "f8", (name,))
        v.units, v.standard_name = units, {"lat": "latitude", "lon": "longitude"}[name]
        step = (high - low) / n
        v[:] = low + step * (np.arange(n) + 0.5)


def field(random, day, side):
    import numpy as np

    lat = np.linspace(-90, 90, side[0], dtype="f4")[:, None]
    smooth = 288 - 50 * np.sin(np.radians(lat)) ** 2 + 10 * np.sin(2 * np.pi * day / 365.25) * np.sin(np.radians(lat))
    # As many digits as such fields have.
    return (np.round((smooth + random.normal(0, 3, side).astype("f4")) * 8) / 8).astype("f4")


def ensure_years():
    """The folder with clim_2001.nc and on: together (time 1,920, lat 360, lon 720) float32, 2.0 GB."""
    import netCDF4
    import numpy as np

    folder = CACHE / "climate"
    done = folder / "done"
    if done.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    side, days = (360, 720), 240
    for year in range(YEARS):
        print(f"making {folder.name}/clim_{2001 + year}.nc", file=sys.stderr)
        random = np.random.default_rng(year)
        with netCDF4.Dataset(folder / f"clim_{2001 + year}.nc", "w") as nc:
            nc.title = "daily fields"
            axes(nc, days, year * days, side)
            v = nc.createVariable("tas", "f4", ("time", "lat", "lon"), zlib=True, complevel=4, shuffle=True, chunksizes=(24, 180, 360), fill_value=np.float32(1e20))
            v.units, v.standard_name, v.long_name = "K", "air_temperature", "near-surface air temperature"
            for first in range(0, days, 24):
                count = min(24, days - first)
                block = np.stack([field(random, first + k, side) for k in range(count)])
                block[random.random(block.shape) < 0.001] = 1e20
                v[first : first + count] = block
    done.touch()
    return folder


def ensure_small(count=2000):
    """The folder with s_0000.nc and on: one step of (lat 32, lon 64) each."""
    import netCDF4
    import numpy as np

    folder = CACHE / f"small-{count}"
    done = folder / "done"
    if done.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    print(f"making {folder.name}", file=sys.stderr)
    for number in range(count):
        random = np.random.default_rng(number)
        with netCDF4.Dataset(folder / f"s_{number:04}.nc", "w") as nc:
            axes(nc, 1, number, (32, 64))
            v = nc.createVariable("tas", "f4", ("time", "lat", "lon"), zlib=True, complevel=1, fill_value=np.float32(1e20))
            v.units = "K"
            v[:] = field(random, number, (32, 64))[None]
    done.touch()
    return folder


def ensure_many_chunks(count=200_000):
    """The folder with chunks.h5: an array (count, 16) float32, each row a chunk with deflate and shuffle."""
    import zlib

    import h5py
    import numpy as np

    folder = CACHE / f"chunks-{count}"
    done = folder / "done"
    if done.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    print(f"making {folder.name}/chunks.h5", file=sys.stderr)
    with h5py.File(folder / "chunks.h5", "w") as file:
        x = file.create_dataset("x", (count, 16), dtype="f4", chunks=(1, 16), compression="gzip", shuffle=True)
        row = np.arange(16, dtype="f4").view("u1").reshape(16, 4).T.tobytes()
        packed = zlib.compress(row, 4)
        for number in range(count):
            x.id.write_direct_chunk((number, 0), packed)
    done.touch()
    return folder


if __name__ == "__main__":
    print(ensure_years(), ensure_small(), ensure_many_chunks())
