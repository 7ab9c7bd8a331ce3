"""Random arrays for the program `operations`, and what it makes of them."""

import json
import subprocess

import numpy as np

REAL = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"]
FLOATS = ["float32", "float64"]
COMPLEX = ["complex64", "complex128"]
INEXACT = FLOATS + COMPLEX


class Maker:
    """Arrays from one seed: any dtype, with ties, NaN, -0 and infinities where they are asked for."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def pick(self, choices):
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, p=0.5):
        return bool(self.rng.random() < p)

    def shape(self, rank, longest=9, zeros=False):
        return tuple(0 if zeros and self.chance(0.1) else int(self.rng.integers(1, longest + 1)) for _ in range(rank))

    def axes(self, rank):
        """Some axes of an array, never none, in any order and with signs."""
        count = int(self.rng.integers(1, rank + 1))
        return [int(k) - rank * self.chance() for k in self.rng.permutation(rank)[:count]]

    def array(self, shape, dtype, nan=0.0, grain=0.0, special=0.0, scale=20.0):
        kind = np.dtype(dtype).kind
        x = self.rng.normal(size=shape) * scale
        if kind == "c":
            x = x + 1j * self.rng.normal(size=shape) * scale
        if grain:
            x = np.round(x / grain) * grain
        if kind == "b":
            return np.asarray(x > 0)
        if kind == "u":
            x = np.abs(x)
        with np.errstate(all="ignore"):
            out = np.asarray(x).astype(dtype)
        if kind in "fc":
            out[self.rng.random(shape) < nan] = np.nan
            for value in (np.inf, -np.inf, -0.0):
                out[self.rng.random(shape) < special / 3] = value
        return out

    def blocks(self, shape):
        """Chunks on disk, or None: the array lies in memory."""
        if len(shape) == 0 or 0 in shape or self.chance():
            return None
        return [int(self.rng.integers(1, n + 1)) for n in shape]


class Case:
    """One request and what NumPy says to it: arrays, or the type of the exception."""

    def __init__(self, op, arrays, expected, check=None, rtol=0.0, atol=0.0, **p):
        self.op, self.p, self.check, self.rtol, self.atol = op, p, check, rtol, atol
        self.arrays = [np.asarray(a) for a in arrays]
        self.expected = expected

    def __repr__(self):
        arrays = ", ".join(f"{a.dtype}{a.shape}" for a in self.arrays)
        return f"{self.op}({arrays}) {self.p}"


def run(cases, maker, folder):
    requests = []
    for number, case in enumerate(cases):
        arrays = []
        for i, a in enumerate(case.arrays):
            path = folder / f"in_{number}_{i}"
            path.write_bytes(np.ascontiguousarray(a).tobytes())
            arrays.append({"file": str(path), "dtype": a.dtype.name, "shape": list(a.shape), "blocks": maker.blocks(a.shape)})
        requests.append(json.dumps({"op": case.op, "arrays": arrays, "p": case.p}))
    done = subprocess.run(["operations", str(folder)], input="\n".join(requests) + "\n", capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{done.stderr}\nafter {done.stdout.count(chr(10))} of {len(cases)} answers"
    return [json.loads(line) for line in done.stdout.splitlines()]


def results_of(answer):
    out = []
    for r in answer["results"]:
        out.append(np.fromfile(r["file"], dtype=r["dtype"]).reshape(r["shape"]))
    return out


def compare(got, expected, case, signed_zero=False):
    expected = np.asarray(expected)
    assert got.shape == expected.shape, f"{case}: shape {got.shape}, NumPy has {expected.shape}"
    assert got.dtype == expected.dtype, f"{case}: {got.dtype}, NumPy has {expected.dtype}"
    if case.rtol == 0 and case.atol == 0:
        np.testing.assert_array_equal(got, expected, err_msg=str(case))
        if signed_zero and expected.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(got), np.signbit(expected), err_msg=f"{case}: signs of 0")
    else:
        np.testing.assert_allclose(got, expected, rtol=case.rtol, atol=case.atol, equal_nan=True, err_msg=str(case))


def check_all(cases, seed, folder):
    """Every case by the program `operations`: results as NumPy's, errors where NumPy raises, the same bytes for every plan."""
    maker = Maker(seed + 1)
    answers = run(cases, maker, folder)
    assert len(answers) == len(cases)
    for case, answer in zip(cases, answers, strict=True):
        if isinstance(case.expected, type):
            assert "error" in answer, f"{case}: NumPy raises {case.expected.__name__}, Freestone gives a result"
            assert answer["kind"] in (0, 1), f"{case}: {answer}"
            continue
        assert "error" not in answer, f"seed {seed}, {case}: {answer}"
        assert answer["troubles"] == [], f"seed {seed}, {case}: {answer['troubles']}"
        got = results_of(answer)
        if case.check is not None:
            case.check(case, *got)
            continue
        expected = case.expected if isinstance(case.expected, (list, tuple)) else [case.expected]
        assert len(got) == len(expected), f"{case}: {len(got)} results, NumPy has {len(expected)}"
        for g, e in zip(got, expected, strict=True):
            compare(g, e, case)
