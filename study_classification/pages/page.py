"""A template with its values becomes HTML; a figure and an image become parts of it. A page loads nothing else."""

import base64
import functools
import hashlib
import io
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
from jaxtyping import UInt8
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from study_classification.language.translate import spoken, translated

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENLARGED = 64  # pixels: a thumbnail of fewer is enlarged
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_REFERENCE = re.compile(r"^#(.+)$|url\(#([^)]+)\)")


def render(template: str, **values: object) -> str:
    """The page that a template of this folder makes of its values. They are escaped, but for `Markup`.

    In a template, `_(text, *values)` is the sentence in the language that the program speaks, `{}` filled with the
    values; `0.5|percent` is `50.0 %`, `1234|number` is `1,234`, `0.00123456|short` is `0.001235`.

    Raises:
        jinja2.UndefinedError: if the template asks for a value that is not given.
    """
    return environment().get_template(template).render(language=spoken(), **values)


@functools.cache
def environment() -> Environment:
    """The templates of this folder, and what they may call."""
    made = Environment(
        loader=PackageLoader("study_classification", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["_"] = lambda text, *values: translated(text.format(*values))
    made.filters |= {
        "percent": lambda share: f"{100 * share:.1f} %",
        "number": lambda value: f"{value:,}",
        "short": lambda value: f"{value:.4g}",
    }
    return made


def figure(drawn: "Figure", alt: str, caption: str = "") -> Markup:
    """A figure of matplotlib as a `<figure>` with inline SVG, on a white card, whatever the page's colours are.

    Letters are paths, so it looks alike where a font is absent. On a narrow screen it shrinks a little, then scrolls.

    Args:
        drawn: the figure.
        alt: what it shows, for those who do not see it.
        caption: stands below it.
    """
    width = round(drawn.get_size_inches()[0] * 96)  # CSS has 96 pixels an inch
    return _part("chart", inline_svg(drawn), alt, caption, width)


def image(pixels: "UInt8[np.ndarray, 'h w ...'] | Image.Image", alt: str, side: int = 128) -> Markup:
    """A thumbnail as an `<img>` with its JPEG inside.

    Args:
        pixels: uint8 [h, w, 3] (RGB), [h, w, 1] or [h, w] (grey), or a Pillow image.
        alt: what it shows, for those who do not see it.
        side: pixels of its longer side, at most. An image of fewer than `ENLARGED` is enlarged, pixel by pixel.
    """
    if isinstance(pixels, np.ndarray):
        pixels = Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels)
    small = pixels.convert("L" if pixels.mode in ("1", "L") else "RGB")
    small.thumbnail((side, side))
    if (longest := max(small.size)) < ENLARGED:
        factor = max(side // longest, 1)
        small = small.resize((small.width * factor, small.height * factor), Image.Resampling.NEAREST)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=80)
    return _part("thumbnail", base64.b64encode(out.getvalue()).decode(), alt, *small.size)


def inline_svg(drawn: "Figure") -> Markup:
    """The `<svg>` of a figure for the inside of a page: without what only a file needs, its ids like no other's."""
    import matplotlib

    out = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "page"}):
        drawn.savefig(out, format="svg", metadata=_NO_METADATA)
    root = ElementTree.fromstring(out.getvalue())
    mark = "f" + hashlib.sha256(out.getvalue()).hexdigest()[:8]
    for name in ("width", "height", "version"):  # the page's style decides on the size
        del root.attrib[name]
    for element in root.iter():
        element.tag, element.tail = element.tag.rpartition("}")[2], None
        element.attrib = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
    used = {
        found[1] or found[2]
        for element in root.iter()
        for value in element.attrib.values()
        for found in _REFERENCE.finditer(value)
    }
    for element in root.iter():
        own = element.attrib.pop("id", None)
        element.attrib = {
            key: _REFERENCE.sub(functools.partial(_renamed, mark), v) for key, v in element.attrib.items()
        }
        if own in used:
            element.set("id", mark + str(own))
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _renamed(mark: str, found: re.Match[str]) -> str:
    return f"#{mark}{found[1]}" if found[1] else f"url(#{mark}{found[2]})"


def _part(name: str, *values: object) -> Markup:
    parts: Any = environment().get_template("parts.html").module
    return getattr(parts, name)(*values)
