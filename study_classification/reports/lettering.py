"""Names of a user's as a figure can show them."""

import functools


def drawable(text: str, longest: int = 24) -> str:
    r"""A text whose every sign matplotlib's own font has; others are written by their numbers, as \u732b.

    It is cut where it is longer than `longest`, and a dollar begins no formula.
    """
    known = _known_signs()
    shown = "".join(sign if ord(sign) in known else sign.encode("ascii", "backslashreplace").decode() for sign in text)
    return (shown if len(shown) <= longest else f"{shown[: longest - 3]}...").replace("$", r"\$")


@functools.cache
def _known_signs() -> frozenset[int]:
    from matplotlib.font_manager import findfont
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(findfont("DejaVu Sans")).get_charmap())
