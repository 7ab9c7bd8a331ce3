"""Handing a cube to other programs, and pictures of channels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import astropy.units as u
import numpy as np

from freestone.astro import convert
from freestone.astro.cube_base import CubeBase
from freestone.errors import UserError

__all__ = ["CubeExports"]


def _needs(package: str, method: str) -> Any:
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(f"{method} needs the package {package.split('.')[0]}, which is not installed here.") from error


class CubeExports(CubeBase):
    """Exports. Each computes what it hands over, and says so when the package is missing."""

    def to_pvextractor(self) -> Any:
        """The window of pvextractor on this cube."""
        return _needs("pvextractor.gui", "to_pvextractor").PVSlicer(self)

    def to_ds9(self, ds9id: Any = None, newframe: bool = False) -> None:
        """Sends the cube to a running ds9, through pyds9 where it is installed, otherwise through SAMP.

        Parameters
        ----------
        ds9id : optional
            Which ds9, in pyds9's words.
        newframe : bool
            Into a new frame.
        """
        try:
            pyds9 = _needs("pyds9", "to_ds9")
        except ImportError:
            self._to_samp(newframe)
            return
        window = pyds9.DS9(ds9id) if isinstance(ds9id, str) or ds9id is None else ds9id
        if newframe:
            window.set("frame new")
        window.set_pyfits(self.hdulist)

    def _to_samp(self, newframe: bool) -> None:
        import tempfile

        from astropy.samp import SAMPHubError, SAMPIntegratedClient

        client = SAMPIntegratedClient(name="freestone")
        try:
            client.connect()
        except SAMPHubError as error:
            raise UserError("to_ds9: neither pyds9 is installed nor does a SAMP hub run. Start ds9 first, or install pyds9.") from error
        try:
            folder = tempfile.mkdtemp(prefix="freestone-ds9-")
            path = os.path.join(folder, "cube.fits")
            self.write(path)
            # ds9 reads the file when it likes: it stays.
            client.notify_all({"samp.mtype": "image.load.fits", "samp.params": {"url": f"file://{path}", "name": "freestone cube"}})
        finally:
            client.disconnect()

    def to_glue(self, name: str | None = None, glue_app: Any = None, dataset: Any = None, start_gui: bool = True) -> Any:
        """The cube as a component of a Data of glue; starts glue, or adds to `glue_app` or `dataset`."""
        core = _needs("glue.core", "to_glue")
        if dataset is None:
            dataset = core.Data(label=name or "SpectralCube", coords=self.wcs)
        dataset.add_component(core.Component(np.asarray(self), units=self.unit.to_string()), name or "SpectralCube")
        if glue_app is not None:
            glue_app.add_datasets(dataset)
            return glue_app
        if not start_gui:
            return dataset
        application = _needs("glue_qt.app.application", "to_glue").GlueApplication(core.DataCollection([dataset]))
        application.start()
        return application

    def to_yt(self, spectral_factor: float = 1.0, nprocs: int | None = None, **options: Any) -> Any:
        """The cube as a dataset of yt with the field ``flux``, its spectral axis `spectral_factor` pixels a channel."""
        yt = _needs("yt", "to_yt")
        values = np.asarray(self).astype(float).transpose(2, 1, 0)
        size = values.shape
        bounds = np.array([[0.5, size[0] + 0.5], [0.5, size[1] + 0.5], [0.5 * spectral_factor, (size[2] + 0.5) * spectral_factor]])
        return yt.load_uniform_grid({"flux": (values, self.unit.to_string())}, size, 1.0, nprocs=nprocs or 1, bbox=bounds, **options)

    def find_lines(self, velocity_offset: Any = None, velocity_convention: Any = None, rest_value: Any = None, **options: Any) -> Any:
        """Spectral lines within the band, asked of Splatalogue through astroquery; `options` go to ``Splatalogue.query_lines``.

        Parameters
        ----------
        velocity_offset : Quantity, optional
            Added to the velocities of the axis first; needs a convention and a rest value.
        """
        service = _needs("astroquery.splatalogue", "find_lines").Splatalogue
        axis = self.spectral_axis
        if velocity_offset is not None:
            name = convert.convention_name(velocity_convention)
            if name is None or rest_value is None:
                raise UserError("find_lines: a velocity_offset needs velocity_convention and rest_value.")
            velocity = self.with_spectral_unit(u.km / u.s, name, rest_value).spectral_axis
            axis = (velocity + velocity_offset).to(u.GHz, convert.DOPPLER[name](rest_value))
        else:
            axis = self.with_spectral_unit(u.GHz).spectral_axis
        return service.query_lines(axis.min(), axis.max(), **options)

    def plot_channel_maps(
        self, nx: int, ny: int, channels: Sequence[int], contourkwargs: dict[str, Any] | None = None, output_file: str | os.PathLike[str] | None = None,
        fig: Any = None, fig_smallest_dim_inches: float = 8, decimals: int = 3, zoom: float = 1, textcolor: Any = None, cmap: str = "gray_r",
        tighten: bool = False, textxloc: float = 0.5, textyloc: float = 0.9, savefig_kwargs: dict[str, Any] | None = None, **options: Any,
    ) -> Any:  # fmt: skip
        """Images of channels, `nx` by `ny` of them, each with its coordinate, by matplotlib.

        Parameters
        ----------
        nx, ny : int
            Columns and rows of images; ``nx * ny`` is the number of `channels`.
        channels : sequence of int
        contourkwargs : dict, optional
            For contours on top of the images; ``{"levels": [...]}`` or any of matplotlib's.
        output_file : path, optional
            Where the figure is saved, with `savefig_kwargs`.
        fig : matplotlib figure, optional
        fig_smallest_dim_inches, decimals, zoom, textcolor, cmap, tighten, textxloc, textyloc
            Size, digits of the coordinate, the part in the middle that is shown (2: half of each side), where the text stands, as fractions.
        **options
            Go to ``imshow``.

        Returns
        -------
        The figure.
        """
        from matplotlib import pyplot

        if len(channels) != nx * ny:
            raise UserError(f"Number of channels should be equal to nx * ny: {len(channels)} channels for {nx} x {ny} images.")
        if fig is None:
            side = fig_smallest_dim_inches / min(nx, ny)
            fig = pyplot.figure(figsize=(side * nx, side * ny))
        axis, wcs = self.spectral_axis, self.wcs.celestial if self._has_wcs_celestial else None
        for place, channel in enumerate(channels):
            axes = fig.add_subplot(ny, nx, place + 1, projection=wcs)
            image = self.unitless_filled_data[channel]
            axes.imshow(image, origin="lower", interpolation="nearest", cmap=cmap, **options)
            if contourkwargs:
                axes.contour(image, **contourkwargs)
            rows, columns = image.shape
            axes.set_xlim(columns / 2 * (1 - 1 / zoom) - 0.5, columns / 2 * (1 + 1 / zoom) - 0.5)
            axes.set_ylim(rows / 2 * (1 - 1 / zoom) - 0.5, rows / 2 * (1 + 1 / zoom) - 0.5)
            label = f"{axis[channel].value:.{decimals}f} {axis.unit.to_string()}"
            axes.text(textxloc, textyloc, label, transform=axes.transAxes, ha="center", va="center", color=textcolor)
            row, column = divmod(place, nx)
            for number, at_edge in ((0, row == ny - 1), (1, column == 0)):
                if wcs is not None:
                    axes.coords[number].set_ticklabel_visible(at_edge)
                    axes.coords[number].set_axislabel("" if not at_edge else None)
        if tighten:
            fig.tight_layout(pad=0)
        if output_file is not None:
            fig.savefig(output_file, **(savefig_kwargs or {}))
        return fig
