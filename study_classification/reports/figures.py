"""The files that figures are written to; no file of the user's is replaced by one."""

import io
import itertools
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING

from study_classification.system.files import replace_bytes, unwritable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SOFTWARE = "study_classification"  # what the PNG files say that they were made by


def save_figure(figure: "Figure", file: Path) -> None:
    """Writes a figure of matplotlib as PNG.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=100, format="png", metadata={"Software": SOFTWARE})
    try:
        replace_bytes(file, [drawn.getvalue()])
    except OSError as error:
        raise unwritable(file.parent, error) from None


def free_file(folder: Path, name: str, taken: Container[str] = ()) -> Path:
    """Where to write a figure: NAME.png, or NAME-2.png and so on, if another file than such a figure is there.

    Args:
        folder: where to.
        name: without suffix.
        taken: names, without suffix and in small letters, that are not free.

    Raises:
        EnvironmentFault: if the folder cannot be read.
    """
    names = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
    files = (folder / f"{each}.png" for each in names if each.lower() not in taken)
    try:
        return next(file for file in files if not file.exists() or _is_drawn_here(file))
    except OSError as error:
        raise unwritable(folder, error) from None


def _is_drawn_here(file: Path) -> bool:
    if not file.is_file():
        return False
    # PNG (https://www.w3.org/TR/png-3/#11tEXt): text chunks stand behind the header, which is short.
    with file.open("rb") as handle:
        return b"tEXtSoftware\0" + SOFTWARE.encode() in handle.read(200)
