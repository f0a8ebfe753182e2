"""What the layers of a network make of an image, as an image."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from study_classification.reports.curves import save_figure
from study_classification.reports.lettering import drawable, lettered

MAPS = 16  # of a layer, the first ones


@lettered
def draw_features(
    image: UInt8[np.ndarray, "h w c"], maps: Mapping[str, Float[np.ndarray, "h w c"]], title: str, file: Path
) -> None:
    """Draws the image as the network sees it, and a row of maps a layer.

    Values above 0 are orange, those below, of which a ReLU makes 0, are blue; white is 0. Each layer has its own scale.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    shades = LinearSegmentedColormap.from_list("signs", ["#2a6fbb", "white", "#d1601f"])
    figure = Figure(figsize=(1.6 + 0.62 * MAPS, 1.7 + 0.75 * len(maps)), layout="constrained")
    top, rows = figure.subfigures(2, 1, height_ratios=[1.4, 0.75 * len(maps)], squeeze=False)[:, 0]
    axes = top.subplots()
    axes.imshow(image if image.shape[-1] == 3 else image[..., 0], cmap="gray", vmin=0, vmax=255)
    axes.set_axis_off()
    top.suptitle(drawable(title, 80), fontsize=11)
    grid = rows.subplots(len(maps), MAPS, squeeze=False)
    for line, (layer, values) in zip(grid, maps.items(), strict=True):
        extent = float(np.abs(values).max()) or 1.0
        for number, axes in enumerate(line):
            axes.set_xticks([])
            axes.set_yticks([])
            if number < values.shape[-1]:
                axes.imshow(values[..., number], cmap=shades, vmin=-extent, vmax=extent, interpolation="nearest")
            else:
                axes.set_axis_off()
        shape = " x ".join(map(str, values.shape))
        line[0].set_ylabel(f"{layer}\n{shape}", rotation=0, ha="right", va="center", fontsize=9)
    rows.supxlabel(
        f"the first {MAPS} maps of each layer: orange is above 0, blue below (a ReLU makes it 0)", fontsize=9
    )
    save_figure(figure, file)
