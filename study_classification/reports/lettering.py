"""The words of a figure, in fonts that have their letters: those of the program, and names of a user's."""

import functools
import importlib.util
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from study_classification.language.translate import said_on_page
from study_classification.system.console import cut, display_width, say

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


def wording(text: str, *values: object) -> str:
    """What a figure says, {} filled with the values: every word of the program's in a figure passes here.

    It is in the language that the program speaks, if a font of `lettered` has its letters, else in English. A name of a
    user's among the values has passed `drawable`.
    """
    said = said_on_page(text, *values)
    letters = set(said) - {"\n"}
    return said if any(_known_signs(*families) >= letters for families in ((OWN,), fonts())) else text.format(*values)


def drawable(text: str, longest: int = 24) -> str:
    r"""A name of a user's, whose every sign a font of `lettered` has; others are written by their numbers, as \u732b.

    Its middle is left out where it is wider than `longest`; a Japanese letter is as wide as two. A dollar begins no
    formula.
    """
    text = unicodedata.normalize("NFC", text)
    if not _known_signs(OWN) >= set(text):
        known = _known_signs(*fonts())
        if not known >= set(text):
            _say_once()
        text = "".join(sign if sign in known else sign.encode("ascii", "backslashreplace").decode() for sign in text)
    return _shortened(text, longest).replace("$", r"\$")


def _shortened(text: str, longest: int) -> str:
    """Names that differ at their ends alone stay different."""
    if display_width(text) <= longest:
        return text
    end = text
    while display_width(end) > (longest - 3) // 2:
        end = end[1:]
    return f"{cut(text, longest - 3 - display_width(end))}...{end}"


def lettered(plot: Callable[P, T]) -> Callable[P, T]:
    """A function that makes a figure, with every letter that `wording` and `drawable` leave as they are."""

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
