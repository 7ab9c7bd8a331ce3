"""The names of spectral_cube are here, with its parameters."""

import inspect
import warnings

import freestone.astro as mine
import pytest

upstream = pytest.importorskip("spectral_cube")

from spectral_cube import lower_dimensional_structures as lower  # noqa: E402
from spectral_cube import masks  # noqa: E402

#: What is not here, and why.
EXCEPTIONS: dict[str, str] = {}

#: Parameters that are not here, and why.
PARAMETERS = {
    ("find_lines", "kwargs"): "named options",
    ("use_dask_scheduler", "self"): "",
}

PAIRS = [
    (upstream.SpectralCube, mine.SpectralCube),
    (upstream.DaskSpectralCube, mine.DaskSpectralCube),
    (upstream.VaryingResolutionSpectralCube, mine.VaryingResolutionSpectralCube),
    (upstream.DaskVaryingResolutionSpectralCube, mine.DaskVaryingResolutionSpectralCube),
    (upstream.StokesSpectralCube, mine.StokesSpectralCube),
    (lower.Projection, mine.Projection),
    (lower.Slice, mine.Slice),
    (lower.OneDSpectrum, mine.OneDSpectrum),
    (lower.VaryingResolutionOneDSpectrum, mine.VaryingResolutionOneDSpectrum),
    (masks.MaskBase, mine.MaskBase),
    (masks.BooleanArrayMask, mine.BooleanArrayMask),
    (masks.LazyMask, mine.LazyMask),
    (masks.LazyComparisonMask, mine.LazyComparisonMask),
    (masks.FunctionMask, mine.FunctionMask),
    (masks.CompositeMask, mine.CompositeMask),
    (masks.InvertedMask, mine.InvertedMask),
]


def public(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [name for name in dir(kind) if not name.startswith("_")]


@pytest.mark.parametrize("theirs, ours", PAIRS, ids=lambda kind: f"{kind.__module__.split('.')[0]}.{kind.__name__}")
def test_every_public_name_is_here(theirs, ours):
    missing = [name for name in public(theirs) if name not in EXCEPTIONS and not hasattr(ours, name)]
    assert not missing


def parameters(function):
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


@pytest.mark.parametrize("theirs, ours", [PAIRS[0], PAIRS[1], PAIRS[3]], ids=["SpectralCube", "DaskSpectralCube", "DaskVaryingResolutionSpectralCube"])
def test_methods_take_the_same_parameters(theirs, ours):
    lacking = []
    for name in public(theirs):
        static = inspect.getattr_static(theirs, name)
        if isinstance(static, property) or name in ("read", "write"):
            continue
        has = parameters(getattr(ours, name))
        takes_any = any(p.kind is p.VAR_KEYWORD for p in has.values())
        for parameter in parameters(static):
            named = parameter in has or takes_any
            if parameter not in ("self", "args", "kwargs") and not named and (name, parameter) not in PARAMETERS:
                lacking.append(f"{name}({parameter})")
    assert not lacking


@pytest.mark.parametrize("name", upstream.__all__)
def test_names_of_the_package(name):
    assert hasattr(mine, name)


def test_functions_beside_the_classes():
    for name in ("mosaic_cubes", "combine_headers", "stack_spectra", "stack_cube", "fourier_shift"):
        assert callable(getattr(mine, name))


def test_every_public_method_is_documented():
    for kind in (mine.SpectralCube, mine.VaryingResolutionSpectralCube, mine.StokesSpectralCube, mine.Projection, mine.OneDSpectrum):
        for name in vars(kind):
            if not name.startswith("_"):
                assert inspect.getdoc(inspect.getattr_static(kind, name)), f"{kind.__name__}.{name}"
