"""Damages HDF5 and NetCDF-4 files byte by byte and looks what the program makes of them.

    .venv/bin/python tests/fuzz/flip_hdf5.py [--files 6500] [--seconds S] [--seed 1] [--keep FOLDER]

Every file must be answered, with what is in it or with an error of one paragraph: no signal, no more than five seconds of one core, no more
than one GB of memory. Arrays that are damaged into large ones are not read: most of them have no chunks then, and terabytes of fill values are right. What is not is kept in the folder, and the exit code is 1. Files of h5py and netCDF4 of several versions of the format are
damaged in one to eight places each, half of the time in their metadata's first kilobytes. With --seconds it ends then, whatever --files says.
"""

import argparse
import json
import math
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

import h5py
import netCDF4
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("FREESTONE_PROGRAM", str(ROOT / "build" / "release" / "bin" / "freestone"))
LONGEST_SECONDS, MOST_BYTES, LARGEST_ARRAY = 5, 1 << 30, 1 << 28


def plain(path, libver):
    x = np.arange(600, dtype="i4").reshape(20, 30)
    with h5py.File(path, "w", libver=libver) as f:
        f.create_dataset("chunked", data=x, chunks=(7, 9), compression="gzip", shuffle=True, fletcher32=True)
        f.create_dataset("growing", data=x, chunks=(7, 9), maxshape=(None, None))
        f["contiguous"], f["texts"], f["fixed"] = x, ["one", "two", "three"], np.array([b"a", b"bcd"])
        f.create_dataset("scaled", data=x, chunks=(7, 9), scaleoffset=0)
        f["compound"] = np.zeros(5, [("a", "<i4"), ("b", ">f8"), ("s", "S5")])
        f["flag"] = np.array([True, False])
        f["g/h/deep"] = np.float32(1)
        f["link"] = h5py.SoftLink("/g/h/deep")
        f["chunked"].attrs.update({"units": "K", "names": ["a", "bb"], "n": np.arange(5), "long": "x" * 5000})
        f["s"] = np.arange(20.0)
        f["s"].make_scale("s")
        f["contiguous"].dims[0].attach_scale(f["s"])


def netcdf(path):
    with netCDF4.Dataset(path, "w") as f:
        f.title, f.names = "weather", ["a", "bb"]
        for name, length in {"time": None, "lat": 6, "lon": 8}.items():
            f.createDimension(name, length)
        f.createVariable("time", "f8", ("time",))[:] = np.arange(5)
        f.createVariable("tas", "f4", ("time", "lat", "lon"), zlib=True, chunksizes=(2, 3, 4))[0:5] = np.random.default_rng(0).normal(size=(5, 6, 8))
        f.createVariable("words", str, ("lat",))[:] = np.array(["a", "bb", "ccc", "", "e", "f"], object)
        f.createVariable("letters", "S1", ("lat", "lon"))[:] = "x"
        g = f.createGroup("g")
        g.createDimension("lat", 4)
        v = g.createVariable("q", "u1", ("time", "lat"))
        v[0:3], v.units = 1, "kg"


def run(folder, *words):
    """Exit code, seconds of one core, peak memory, what was answered and what was said."""
    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (2 * LONGEST_SECONDS, 2 * LONGEST_SECONDS))

    with tempfile.TemporaryFile() as answer:
        process = subprocess.Popen([PROGRAM, *words], cwd=folder, stdout=answer, stderr=subprocess.PIPE, preexec_fn=limit)
        said = process.stderr.read().decode(errors="replace")
        answer.seek(0)
        answered = answer.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, answered, said


def bytes_of(answer, name):
    """What the array of that name is in memory, as `info --json` has it; 0: there is none."""
    shapes = [hdu["shape"] for hdu in json.loads(answer)["hdus"] if hdu["name"] == name and "shape" in hdu]
    return 8 * math.prod(shapes[0]) if shapes else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, default=ROOT / ".cache" / "flip-hdf5")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    most = options.files if options.files is not None else 6500 if options.seconds == float("inf") else sys.maxsize
    failed, answered, refused, done, slowest, largest = [], 0, 0, 0, 0.0, 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        plain(folder / "old.h5", "earliest"), plain(folder / "new.h5", "latest"), plain(folder / "v108.h5", ("v108", "v108")), netcdf(folder / "n.nc")
        whole = {p.name: p.read_bytes() for p in folder.iterdir()}
        names = {"h5": ["chunked", "growing", "contiguous", "scaled", "compound.a", "flag", "g/h/deep"], "nc": ["time", "tas", "g/q", "letters"]}
        for number in range(most):
            if time.monotonic() - begun > options.seconds:
                break
            done += 1
            name = chance.choice(sorted(whole))
            damaged = bytearray(whole[name])
            for _ in range(chance.randint(1, 8)):
                at = chance.randrange(len(damaged) if chance.random() < 0.5 else min(len(damaged), 4096))
                damaged[at] = chance.choice([damaged[at] ^ 1 << chance.randrange(8), chance.randrange(256), 0, 255])
            suffix = name.split(".")[-1]
            path = folder / f"x.{suffix}"
            path.write_bytes(damaged)
            array, size = chance.choice(names[suffix]), 0
            for words in (["info", path.name, "--json"], ["convert", f"{path.name}[{array}]", "out.npy", "--overwrite"]):
                if size > LARGEST_ARRAY:
                    continue
                code, seconds, memory, answer, said = run(folder, *words)
                if words[0] == "info" and code == 0:
                    size = bytes_of(answer, array)
                slowest, largest = max(slowest, seconds), max(largest, memory)
                wrong = code not in (0, 1) or seconds > LONGEST_SECONDS or memory > MOST_BYTES or (code == 1 and said.count("\n") != 1)
                if wrong:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    kept = options.keep / f"{options.seed}-{number}.{suffix}"
                    kept.write_bytes(damaged)
                    failed.append(kept)
                    print(f"{kept}: {' '.join(words)}: code {code}, {seconds:.1f} s, {memory / 1e6:.0f} MB: {said[:200]}", flush=True)
                answered += code == 0
                refused += code == 1
    print(f"seed {options.seed}: {done} files in {time.monotonic() - begun:.0f} s, {answered} answers, {refused} refusals, {len(failed)} failures; "
          f"slowest {slowest:.2f} s, at most {largest / 1e6:.0f} MB")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
