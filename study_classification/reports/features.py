"""What the layers of a network make of an image, as an image."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from study_classification.reports.figures import save_figure
from study_classification.reports.lettering import lettered, wording

MAPS = 16  # of a layer, the first ones


@lettered
def draw_features(
    image: UInt8[np.ndarray, "h w c"],
    maps: Mapping[str, Float[np.ndarray, "h w c"]],
    title: str,
    file: Path,
    filters: Float[np.ndarray, "kh kw c filters"] | None = None,
) -> None:
    """Draws the image as the network sees it, the filters of the first convolution, and a row of maps a layer.

    Values above 0 are orange, those below, of which a ReLU makes 0, are blue; white is 0. Each layer has its own scale.
    Filters over three channels are colours, of which grey is 0. The names in the title have passed `drawable`.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    shades = LinearSegmentedColormap.from_list("signs", ["#2a6fbb", "white", "#d1601f"])
    number = len(maps) + (filters is not None)
    figure = Figure(figsize=(1.6 + 0.62 * MAPS, 1.7 + 0.75 * number), layout="constrained")
    top, rows = figure.subfigures(2, 1, height_ratios=[1.4, 0.75 * number], squeeze=False)[:, 0]
    axes = top.subplots()
    axes.imshow(image if image.shape[-1] == 3 else image[..., 0], cmap="gray", vmin=0, vmax=255)
    axes.set_axis_off()
    top.suptitle(title, fontsize=11)
    grid = list(rows.subplots(number, MAPS, squeeze=False))
    if filters is not None:
        size = " x ".join(map(str, filters.shape[:3]))
        _draw_line(grid.pop(0), _as_images(filters), wording("first filters\n{}", size), cmap=shades)
    for line, (layer, values) in zip(grid, maps.items(), strict=True):
        shape = " x ".join(map(str, values.shape))
        extent = float(np.abs(values).max()) or 1.0
        _draw_line(line, np.moveaxis(values, -1, 0) / extent, f"{layer}\n{shape}", cmap=shades)
    rows.supxlabel(
        wording("the first {} maps of each layer: orange is above 0, blue below (a ReLU makes it 0)", MAPS), fontsize=9
    )
    save_figure(figure, file)


def _draw_line(line, images: np.ndarray, label: str, cmap) -> None:
    """The first images [n, h, w] of values from -1 to 1, or [n, h, w, 3] of colours, in a row of axes."""
    for number, axes in enumerate(line):
        axes.set_xticks([])
        axes.set_yticks([])
        if number < len(images):
            axes.imshow(images[number], cmap=cmap, vmin=-1, vmax=1, interpolation="nearest")
        else:
            axes.set_axis_off()
    line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)


def _as_images(filters: Float[np.ndarray, "kh kw c filters"]) -> np.ndarray:
    """Filters first: of one channel values from -1 to 1, of three colours from 0 to 1."""
    scaled = np.moveaxis(filters, -1, 0) / (np.abs(filters).max() or 1.0)
    return scaled[..., 0] if filters.shape[2] == 1 else (scaled + 1) / 2
