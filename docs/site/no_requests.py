"""Fails a build whose pages would ask another host for a script, a style, a font or an image."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

REQUEST = re.compile(r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//|
    <link\b(?=[^>]*\brel=["']?(?:stylesheet|preload|icon))[^>]*\bhref=["']?(?:https?:)?//|
    (?:@import\s*|url\()["']?(?:https?:)?//""", re.VERBOSE)  # fmt: skip


def find_requests(folder: Path) -> list[str]:
    """'PAGE: what asks', for every page and style of a built site."""
    pages = sorted(path for path in folder.rglob("*") if path.suffix in (".html", ".css"))
    return [
        f"{page.relative_to(folder)}: {request}"
        for page in pages
        for request in REQUEST.findall(page.read_text(encoding="utf-8"))
    ]


def _require_none(app: "Sphinx", error: Exception | None) -> None:
    from sphinx.errors import ExtensionError

    if error is None and (found := find_requests(Path(app.outdir))):
        raise ExtensionError("pages ask other hosts: " + "; ".join(found))


def setup(app: "Sphinx") -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("build-finished", _require_none)
    return {"parallel_read_safe": True}
