"""Finds near-duplicates: images that look alike, though their pixels differ. Crops and mirror images are not found.

A difference hash tells for 8 x 8 places whether the image is lighter to the right. Recompressed, halved and blurred
copies differ in a few of its 64 bits, and different photos in about half of them. Among some thousand photos a few
pairs differ in as few bits by chance, so the grey levels of the 8 x 8 places have to agree as well.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, Int32, UInt8, UInt64
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

NEAR = 6  # the most bits of 64 in which near-duplicates differ
AGREEMENT = 0.8  # the least correlation of the grey levels of near-duplicates
SMALLEST = 32  # pixels of the shorter side: below, different images look alike
FLATTEST = 8  # grey levels between the darkest and the lightest place: below, noise decides
BLOCK = 2**22  # how many pairs are compared at once


def dhash(image: Image.Image) -> UInt8[np.ndarray, "8"]:
    """The difference hash of an image of any mode, upright: 64 bits, row by row.

    Source: N. Krawetz, Kind of like that, hackerfactor.com, 2013; the bits are those of the package ImageHash.
    """
    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.LANCZOS))
    return np.packbits(grey[:, 1:] > grey[:, :-1])


def look_of(image: Image.Image) -> str:
    """The look of an upright image: its hash and its grey levels at 8 x 8 places, as 144 hexadecimal digits.

    It is '' for a tiny image and for one of a single shade, whose looks would mean nothing.
    """
    if min(image.size) < SMALLEST:
        return ""
    grey = np.asarray(image.convert("L").resize((8, 8), Image.Resampling.BOX))
    if int(grey.max()) - int(grey.min()) < FLATTEST:
        return ""
    return dhash(image).tobytes().hex() + grey.tobytes().hex()


def near_pairs(looks: Sequence[str]) -> Int[np.ndarray, "k 2"]:
    """All pairs i < j of looks that are alike; no look may be ''. The time grows with the square of their number."""
    columns = np.frombuffer(bytes.fromhex("".join(looks)), np.uint8).reshape(-1, 72)
    pairs = _close(np.ascontiguousarray(columns[:, :8]).view(np.uint64)[:, 0])
    grey = columns[:, 8:].astype(np.float32)
    grey -= grey.mean(axis=1, keepdims=True)
    grey /= np.linalg.norm(grey, axis=1, keepdims=True)
    return pairs[(grey[pairs[:, 0]] * grey[pairs[:, 1]]).sum(axis=1) >= AGREEMENT]


def _close(hashes: UInt64[np.ndarray, " n"]) -> Int[np.ndarray, "k 2"]:
    """The pairs of hashes that differ in at most `NEAR` bits."""
    found, rows_at_once = [np.empty((0, 2), np.int64)], max(BLOCK // max(len(hashes), 1), 1)
    for start in range(0, len(hashes), rows_at_once):
        block = hashes[start : start + rows_at_once]
        rows, columns = np.nonzero(np.bitwise_count(block[:, None] ^ hashes[None, start:]) <= NEAR)
        later = columns > rows
        found.append(np.stack([rows[later], columns[later]], axis=1) + start)
    return np.concatenate(found)


def joined(count: int, pairs: Int[np.ndarray, "k 2"]) -> Int32[np.ndarray, " n"]:
    """The group of each of `count` things, if the things of each pair, and of chains of pairs, belong together."""
    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(links, directed=False)[1]
