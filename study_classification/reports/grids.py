"""Images in rows, each with a few words above it, as one image; and an image with marks of what speaks for a class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from study_classification.reports.figures import save_figure
from study_classification.reports.lettering import drawable, lettered
from study_classification.system.console import display_width

Cell = tuple[str, UInt8[np.ndarray, "h w c"]]  # lines above, image
SIDE, GAP, LINE = 1.9, 0.12, 0.17  # inches: of an image, between two, of a line of text
LETTER = 0.068  # likewise, of a letter
SMALLEST = 224  # pixels of the long side of a marked image
FINEST = 56  # marks along a side
FOR, AGAINST = (0xD1, 0x60, 0x1F), (0x2A, 0x6F, 0xBB)  # colours of what speaks for a class, and against it


@lettered
def draw_grid(rows: Sequence[Sequence[Cell | None]], title: str, note: str, file: Path, side: float = SIDE) -> None:
    """Draws rows of images, of any sizes, in squares of one size; None leaves a square free.

    Args:
        rows: not all need to be of one length.
        title: above all of them.
        note: below them.
        file: where to.
        side: of a square, in inches.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    from matplotlib.figure import Figure

    columns = max(map(len, rows))
    texts = [max((cell[0].count("\n") + 1 for cell in row if cell), default=0) * LINE + 0.05 for row in rows]
    # A title or note may need more room than two images have.
    longest = max(display_width(line) for line in (*title.split("\n"), *note.split("\n")))
    width = max(columns * (side + GAP) + GAP, LETTER * longest + 2 * GAP)
    top, bottom = 0.38 + LINE * title.count("\n"), 0.35 + LINE * note.count("\n")
    height = top + bottom + sum(texts) + len(rows) * (side + GAP)
    figure = Figure(figsize=(width, height))
    left = (width - columns * (side + GAP) + GAP) / 2
    below = height - top
    for row, text in zip(rows, texts, strict=True):
        below -= text + side
        for number, cell in enumerate(row):
            if cell is None:
                continue
            place = (left + number * (side + GAP)) / width, below / height, side / width, side / height
            axes = figure.add_axes(place, anchor="N")
            axes.imshow(cell[1] if cell[1].shape[-1] == 3 else cell[1][..., 0], cmap="gray", vmin=0, vmax=255)
            axes.set_axis_off()
            lines = [drawable(line, int(side / LETTER)) for line in cell[0].split("\n")]
            axes.set_title("\n".join(lines), fontsize=8.5, pad=3)
        below -= GAP
    figure.text(0.5, 1 - 0.1 / height, drawable(title, 100), ha="center", va="top", fontsize=11)
    figure.text(0.5, 0.1 / height, note, ha="center", va="bottom", fontsize=8.5, color="#404040")
    save_figure(figure, file)


def marked(image: UInt8[np.ndarray, "h w c"], values: Float[np.ndarray, "u v"]) -> UInt8[np.ndarray, "H W 3"]:
    """The image in grey, orange where values are above 0, blue where they are below, the stronger the farther from 0.

    The map may be of another size; one as fine as the image is drawn by the means of FINEST x FINEST squares, for
    single pixels could not be seen. The greatest hundredth of the values have the full colour. An image of few pixels
    is made larger.
    """
    height, width = image.shape[:2]
    factor = max(1, -(-SMALLEST // max(height, width)))
    grey = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert("L")
    grey = grey.resize((width * factor, height * factor), Image.Resampling.NEAREST)
    shades = np.asarray(grey, np.float32)[..., None] * 0.8 + 51 * 0.8  # neither black nor white, that colours show
    heat, fine = Image.fromarray(np.float32(values)), values.shape == image.shape[:2]
    if fine:
        heat = heat.resize((min(FINEST, width), min(FINEST, height)), Image.Resampling.BOX)
    sizes = np.abs(np.asarray(heat))
    most = float(np.percentile(sizes, 99)) or float(sizes.max()) or 1.0
    heat = heat.resize(grey.size, Image.Resampling.NEAREST if fine else Image.Resampling.BILINEAR)
    strength = np.clip(np.asarray(heat) / most, -1, 1)[..., None]
    colour = np.where(strength > 0, np.array(FOR), np.array(AGAINST))
    share = 0.85 * np.abs(strength)
    return np.round((1 - share) * shades + share * colour).astype(np.uint8)
