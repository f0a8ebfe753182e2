"""Names of a user's as a figure can show them: in a font that has their letters, else by their numbers."""

import functools
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from study_classification.system.console import say

P = ParamSpec("P")
T = TypeVar("T")
OWN = "DejaVu Sans"  # the font that comes with matplotlib
# Fonts of Japanese as systems and the extra [ja] have them, by how the names of their files begin; the best first.
JAPANESE = (
    "notosanscjk",
    "notosansjp",
    "ipaexg",
    "ipag",
    "hiragino",
    "ヒラギノ角ゴシック",
    "yugoth",
    "meiryo",
    "bizud",
    "takao",
    "vl-gothic",
    "msgothic",
    "droidsansfallback",
    "unifont",
)


def drawable(text: str, longest: int = 24) -> str:
    r"""A text whose every sign a font of `lettered` has; others are written by their numbers, as \u732b.

    It is cut where it is longer than `longest`, and a dollar begins no formula.
    """
    if not _known_signs(OWN) >= set(text):
        known = _known_signs(*fonts())
        if not known >= set(text):
            _say_once()
        text = "".join(sign if sign in known else sign.encode("ascii", "backslashreplace").decode() for sign in text)
    return (text if len(text) <= longest else f"{text[: longest - 3]}...").replace("$", r"\$")


def lettered(plot: Callable[P, T]) -> Callable[P, T]:
    """A function that makes a figure, with every letter that `drawable` leaves as it is."""

    @functools.wraps(plot)
    def with_fonts(*args: P.args, **kwargs: P.kwargs) -> T:
        import matplotlib

        with matplotlib.rc_context({"font.family": list(fonts())}):
            return plot(*args, **kwargs)

    return with_fonts


@functools.cache
def fonts() -> tuple[str, ...]:
    """The families of fonts that figures use: matplotlib's own, and one with Japanese letters, if there is one."""
    from matplotlib.font_manager import fontManager
    from matplotlib.ft2font import FT2Font

    for file in japanese_fonts():
        if (font := FT2Font(file)).get_char_index(ord("猫")):
            fontManager.addfont(file)
            return OWN, font.family_name
    return (OWN,)


def japanese_fonts() -> list[str]:
    """The files of fonts that may have Japanese letters, the best first."""
    from matplotlib.font_manager import findSystemFonts

    files = findSystemFonts()
    if spec := importlib.util.find_spec("matplotlib_fontja"):
        files += [str(file) for folder in spec.submodule_search_locations or [] for file in Path(folder).rglob("*.ttf")]

    def rank(file: str) -> int:
        name = re.sub(r"[ _]", "", Path(file).stem.lower())
        return next((place for place, start in enumerate(JAPANESE) if name.startswith(start)), len(JAPANESE))

    found = [file for file in files if rank(file) < len(JAPANESE)]
    return sorted(found, key=lambda file: (rank(file), "regular" not in file.lower(), file))


@functools.cache
def _known_signs(*families: str) -> frozenset[str]:
    from matplotlib.font_manager import findfont
    from matplotlib.ft2font import FT2Font

    return frozenset(chr(sign) for family in families for sign in FT2Font(findfont(family)).get_charmap())


@functools.cache
def _say_once() -> None:
    say(
        "Figures write some letters of your names by their numbers, as \\u732b, for no font of this machine has them: "
        "install one; for Japanese, pip install 'study_classification[ja]'"
    )
