"""Cubes of several Stokes parameters on one grid."""

from __future__ import annotations

import functools
import operator
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from freestone import _core, _runs
from freestone._array import Array
from freestone.astro import convert
from freestone.astro.cube_parts import Boxes, keys_of
from freestone.astro.masks import BooleanArrayMask, CompositeMask, MaskBase, as_mask
from freestone.astro.spectral_cube import BaseSpectralCube, SpectralCube, cube_of, stokes_plane
from freestone.errors import UserError

__all__ = ["StokesSpectralCube"]

#: FITS numbers of the parameters.
_NAMES = {1: "I", 2: "Q", 3: "U", 4: "V", -1: "RR", -2: "LL", -3: "RL", -4: "LR", -5: "XX", -6: "YY", -7: "XY", -8: "YX"}
_NUMBERS = {name: number for number, name in _NAMES.items()}
_SKY, _CIRCULAR, _LINEAR = ("I", "Q", "U", "V"), ("RR", "RL", "LR", "LL"), ("XX", "XY", "YX", "YY")


class StokesSpectralCube(Boxes):
    """Cubes of one shape and WCS, by the names of their Stokes parameters.

    ``stokes.I`` or ``stokes["I"]`` is a `SpectralCube` with the mask of all.

    Parameters
    ----------
    stokes_data : dict of str to SpectralCube
        Names: I Q U V, RR RL LR LL, XX XY YX YY.
    mask : mask, or array of bool, optional
        On top of the cubes' own.
    meta : dict, optional
    fill_value : float, optional
    """

    def __init__(self, stokes_data: Mapping[str, Any], mask: Any = None, meta: Any = None, fill_value: float | None = None) -> None:
        if not stokes_data:
            raise UserError("There are no cubes.")
        unknown = sorted(set(stokes_data) - set(_NUMBERS))
        if unknown:
            raise UserError(f"Invalid Stokes component: {unknown[0]} - should be one of {', '.join(_NUMBERS)}.")
        first = next(iter(stokes_data.values()))
        for name, cube in stokes_data.items():
            if not isinstance(cube, BaseSpectralCube):
                raise UserError("stokes_data should be a dictionary of SpectralCube objects.")
            if cube.shape != first.shape or not convert.same_wcs(cube.wcs, first.wcs):
                raise UserError(f"All spectral cubes should have the same shape and WCS; that of {name} is another.")
        self._stokes_data = dict(stokes_data)
        self._meta, self._fill_value = dict(meta or {}), fill_value
        self._mask: MaskBase | None = None if mask is None else as_mask(mask, first.wcs, first.shape)
        if self._mask is not None:
            self._mask._validate_wcs(first._data, first.wcs)

    @classmethod
    def read(cls, filename: Any, format: str | None = None, hdu: int | str | None = None, **options: Any) -> StokesSpectralCube:
        """Opens a file with a Stokes axis; only metadata is read.

        Planes whose channels have beams are cubes of class `VaryingResolutionSpectralCube`, with their own.
        """
        if hasattr(filename, "data") or isinstance(filename, list):
            raise UserError("StokesSpectralCube.read takes a path; of HDUs make a SpectralCube each.")
        path = os.fspath(filename) if hdu is None else f"{os.fspath(filename)}[{hdu}]"
        sky = _core.read_sky(path)
        if "stokes" not in sky.dims:
            return cls({"I": SpectralCube.read(path, format=format, **options)})
        axis = sky.dims.index("stokes")
        cubes = {}
        for plane, number in enumerate(np.asarray(sky.coordinates(axis))):
            name = _NAMES.get(int(round(number)))
            if name is None:
                raise UserError(f"{path}: the Stokes axis has a parameter of number {number}, which is none.")
            cubes[name] = SpectralCube._from_file(cube_of(stokes_plane(sky, plane, path), path))
        return cls(cubes)

    # Facts.

    @property
    def stokes_data(self) -> dict[str, Any]:
        """The cubes as they were given, without the common mask."""
        return self._stokes_data

    @property
    def components(self) -> list[str]:
        """Names of the parameters that there are."""
        return list(self._stokes_data)

    @property
    def stokes_type(self) -> str:
        """"SKY_STOKES" (I Q U V), "FEED_CIRCULAR", "FEED_LINEAR", or "UNKNOWN" where they are mixed."""
        names = set(self._stokes_data)
        for kind, members in (("SKY_STOKES", _SKY), ("FEED_CIRCULAR", _CIRCULAR), ("FEED_LINEAR", _LINEAR)):
            if names <= set(members):
                return kind
        return "UNKNOWN"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of each cube."""
        shape: tuple[int, int, int] = self._first.shape
        return shape

    @property
    def wcs(self) -> Any:
        """Of each cube."""
        return self._first.wcs

    @property
    def mask(self) -> MaskBase | None:
        """The common mask."""
        return self._mask

    @property
    def meta(self) -> dict[str, Any]:
        """What the constructor was given."""
        return self._meta

    @property
    def _first(self) -> Any:
        return next(iter(self._stokes_data.values()))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.components]

    def __repr__(self) -> str:
        return f"StokesSpectralCube with components {', '.join(self.components)}\n{self._first!r}"

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._stokes_data:
            return self[name]
        raise AttributeError(f"StokesSpectralCube has no attribute {name!r}, nor such a component; it has {', '.join(self.__dict__.get('_stokes_data', ()))}.")

    def __getitem__(self, key: Any) -> Any:
        """A cube by its name; parts of all by slices; with a mask as `with_mask`."""
        if isinstance(key, (Array, np.ndarray)) or hasattr(key, "include"):
            return self.with_mask(key)
        if not isinstance(key, str):
            view = tuple(keys_of(key, self.shape))
            if not all(isinstance(part, slice) for part in view):
                raise UserError(f"A position drops an axis; take a slice of all components, or the position of one: stokes.{self.components[0]}[...].")
            return self._all(lambda cube: cube[view], None if self._mask is None else self._mask[view])
        if key not in self._stokes_data:
            raise KeyError(f"Key {key} does not exist in this cube; there are {', '.join(self.components)}.")
        cube = self._stokes_data[key]
        if self._mask is not None:
            cube = cube.with_mask(self._mask)
        return cube if self._fill_value is None else cube.with_fill_value(self._fill_value)

    def __setitem__(self, key: str, cube: Any) -> None:
        """Another component."""
        StokesSpectralCube({**self._stokes_data, key: cube})  # which checks
        self._stokes_data[key] = cube

    def _all(self, function: Any, mask: MaskBase | None) -> StokesSpectralCube:
        made = StokesSpectralCube({name: function(cube) for name, cube in self._stokes_data.items()}, None, self._meta, self._fill_value)
        made._mask = mask
        return made

    # Masks and parts, of all cubes alike.

    def with_mask(self, mask: Any, inherit_mask: bool = True) -> StokesSpectralCube:
        """Elements where `mask` is False do not count in any component."""
        made = as_mask(mask, self.wcs, self.shape)
        made._validate_wcs(self._first._data, self.wcs)
        if inherit_mask and self._mask is not None:
            made = CompositeMask(self._mask, made)
        return self._all(lambda cube: cube, made)

    def with_spectral_unit(self, unit: Any, **options: Any) -> StokesSpectralCube:
        """The spectral axis in another unit; see `SpectralCube.with_spectral_unit`."""
        return self._all(
            lambda cube: cube.with_spectral_unit(unit, **options), None if self._mask is None else self._mask.with_spectral_unit(unit, **options)
        )  # fmt: skip

    @property
    def _chooser(self) -> Any:
        return self._first

    def minimal_subcube(self, spatial_only: bool = False) -> StokesSpectralCube:
        """The smallest box that holds all elements that count in any of the cubes."""
        counting = [self[name]._included() for name in self.components]
        if any(included is None for included in counting):
            return self
        mask = BooleanArrayMask(functools.reduce(operator.or_, counting), self.wcs)
        part: StokesSpectralCube = self[self.subcube_slices_from_mask(mask, spatial_only=spatial_only)]
        return part

    # Bases.

    def transform_basis(self, stokes_basis: str = "") -> StokesSpectralCube:
        """The parameters in another basis: "Sky", "Circular" or "Linear" ("Generic" is refused), of a complete set of four.

        I = (RR + LL) / 2, Q = (RL + LR) / 2, U = (RL - LR) / 2i, V = (RR - LL) / 2; I = (XX + YY) / 2, Q = (XX - YY) / 2, U = (XY + YX) / 2,
        V = (XY - YX) / 2i; and their inverse. What is divided by i is complex, as in spectral_cube, whose way back halves every parameter.
        """
        target = {"sky": "SKY_STOKES", "circular": "FEED_CIRCULAR", "linear": "FEED_LINEAR"}.get(stokes_basis.lower())
        if target is None:
            raise UserError(f"transform_basis: the basis is 'Sky', 'Circular' or 'Linear', not {stokes_basis!r}.")
        if self.stokes_type == target:
            return self
        members: tuple[str, ...] = {"SKY_STOKES": _SKY, "FEED_CIRCULAR": _CIRCULAR, "FEED_LINEAR": _LINEAR}.get(self.stokes_type, ())
        if set(self.components) != set(members):
            raise UserError(f"transform_basis needs a complete set of four parameters of one basis; there are {', '.join(self.components)}.")
        cubes = self._stokes_data
        if self.stokes_type != "SKY_STOKES":
            cubes = _combined(cubes, _CIRCULAR_TO_SKY if self.stokes_type == "FEED_CIRCULAR" else _LINEAR_TO_SKY)
        if target != "SKY_STOKES":
            cubes = _combined(cubes, _SKY_TO_CIRCULAR if target == "FEED_CIRCULAR" else _SKY_TO_LINEAR)
        return StokesSpectralCube(cubes, self._mask, self._meta, self._fill_value)

    def write(self, filename: str | os.PathLike[str], overwrite: bool = False, format: str | None = None) -> None:
        """Writes each component to a file of its own in one pass over all: ``{name}_{component}.fits`` for ``{name}.fits``."""
        root, suffix = os.path.splitext(os.fspath(filename))
        _runs.write({f"{root}_{name}{suffix}": self[name] for name in self.components}, overwrite=overwrite, format=format or "")


#: A parameter of another basis: the two that it is made of, and how.
_Recipe = tuple[str, str, Callable[[Any, Any], Any]]

_CIRCULAR_TO_SKY: dict[str, _Recipe] = {
    "I": ("RR", "LL", lambda a, b: (a + b) / 2),
    "Q": ("RL", "LR", lambda a, b: (a + b) / 2),
    "U": ("RL", "LR", lambda a, b: (a - b) * -0.5j),
    "V": ("RR", "LL", lambda a, b: (a - b) / 2),
}
_LINEAR_TO_SKY: dict[str, _Recipe] = {
    "I": ("XX", "YY", lambda a, b: (a + b) / 2),
    "Q": ("XX", "YY", lambda a, b: (a - b) / 2),
    "U": ("XY", "YX", lambda a, b: (a + b) / 2),
    "V": ("XY", "YX", lambda a, b: (a - b) * -0.5j),
}
_SKY_TO_CIRCULAR: dict[str, _Recipe] = {
    "RR": ("I", "V", lambda i, v: i + v),
    "RL": ("Q", "U", lambda q, u: q + u * 1j),
    "LR": ("Q", "U", lambda q, u: q - u * 1j),
    "LL": ("I", "V", lambda i, v: i - v),
}
_SKY_TO_LINEAR: dict[str, _Recipe] = {
    "XX": ("I", "Q", lambda i, q: i + q),
    "XY": ("U", "V", lambda u, v: u + v * 1j),
    "YX": ("U", "V", lambda u, v: u - v * 1j),
    "YY": ("I", "Q", lambda i, q: i - q),
}


def _combined(cubes: Mapping[str, Any], recipes: Mapping[str, _Recipe]) -> dict[str, Any]:
    """Cubes of another basis; elements count where both that they are made of do."""
    made = {}
    for name, (one, other, formula) in recipes.items():
        a, b = cubes[one], cubes[other]
        masks = [cube._mask for cube in (a, b) if cube._mask is not None]
        made[name] = a._on(formula(a._data, b._data))._but(mask=functools.reduce(CompositeMask, masks) if masks else None)
    return made
