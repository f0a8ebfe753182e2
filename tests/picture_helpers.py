"""Folders of pictures that look like photos, and copies of them that only look the same."""

import errno
import os

import numpy as np
from PIL import Image


def photo(seed, side=128):
    """Something like a photo: its own structure at every place, and grain."""
    random = np.random.default_rng(seed)
    levels = Image.fromarray(random.integers(0, 256, (9, 11, 3), np.uint8))
    smooth = np.asarray(levels.resize((side + 32, side), Image.Resampling.BICUBIC), np.float64)
    return Image.fromarray(np.clip(smooth + random.normal(0, 8, smooth.shape), 0, 255).astype(np.uint8))


def folder_of_photos(root, per_class=10):
    """Two classes of different photos."""
    for label, first in (("a", 0), ("b", 1000)):
        (root / label).mkdir(parents=True)
        for number in range(per_class):
            photo(first + number, 64).save(root / label / f"{number:02}.png")
    return root


def without_permission(monkeypatch, folder):
    """Nothing in this folder can be listed or looked at, as without its permission; root would have it."""

    def refusing(function, from_below):
        def refused(path, *given, **named):
            inner = os.path.relpath(path, folder) if isinstance(path, str | os.PathLike) else ".."
            if not inner.startswith("..") and (inner != ".") >= from_below:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return function(path, *given, **named)

        return refused

    monkeypatch.setattr(os, "scandir", refusing(os.scandir, from_below=False))
    monkeypatch.setattr(os, "stat", refusing(os.stat, from_below=True))
