"""Looks at every image of a source once, for `check`: what training would use, and what looks odd.

It writes nothing, neither beside the images nor into the cache.
"""

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int8
from ml_collections import ConfigDict
from PIL import ExifTags, Image

from study_classification.data.found import Found, check_splits, choose_splits, group_digests, report_of
from study_classification.data.groups import Grouping
from study_classification.data.items import SPLITS, Item
from study_classification.data.near import joined, look_of, near_pairs
from study_classification.data.sources import Listing
from study_classification.errors import DataError
from study_classification.inputs.images.decode import UnreadableImage, decode_image
from study_classification.paths import why
from study_classification.system.console import progress
from study_classification.system.threads import num_workers, parallel

SIDE = 256  # pixels of the longer side at which sharpness is measured, whatever the image's own size
DARK = 30  # mean grey level of 255 below which an image is called dark
BLURRED = 50  # variance of the Laplacian below which one is called blurred
TINY = 32  # pixels of the shorter side below which one is called tiny
ODD = 3  # sides longer : shorter above which one is called odd-shaped


@dataclass(frozen=True)
class Seen:
    """What is known of an image that could be read.

    Attributes:
        item: the image.
        pixels: a digest of the decoded pixels.
        size: the size of the file, in bytes.
        width: the width of the upright image, in pixels.
        height: the height of the upright image, in pixels.
        turn: the EXIF orientation; 1 is upright.
        brightness: mean grey level, 0 to 255.
        sharpness: variance of the Laplacian of the grey levels, at `SIDE` pixels.
        look: what near-duplicates are found by, see `near.look_of`.
    """

    item: Item
    pixels: str
    size: int
    width: int
    height: int
    turn: int
    brightness: float
    sharpness: float
    look: str


# kind of oddity -> function that gives the number that shows it; '' for an image without it
ODDITIES = {
    "dark": lambda seen: f"{seen.brightness:.0f}" if seen.brightness < DARK else "",
    "blurred": lambda seen: f"{seen.sharpness:.0f}" if seen.sharpness < BLURRED and _shows_much(seen) else "",
    "tiny": lambda seen: f"{seen.width} x {seen.height}" if min(seen.width, seen.height) < TINY else "",
    "odd_shaped": lambda seen: f"{seen.width} x {seen.height}" if _ratio(seen) > ODD else "",
    "turned": lambda seen: f"EXIF {seen.turn}" if seen.turn != 1 else "",
}


@dataclass(frozen=True)
class Examined:
    """A source whose images were all looked at.

    Attributes:
        seen: the images that could be read.
        splits: the proposed split of each image, as an index into SPLITS.
        report: what `prepare` reports, and `sizes`, `near_duplicates` (groups of names), those of them
            `near_in_two_splits` and `near_under_two_labels`, and each of `ODDITIES` (name -> number); all for JSON.
        problem: why nothing can be trained on the source; '' if it can.
    """

    seen: Sequence[Seen]
    splits: Int8[np.ndarray, " n"]
    report: dict[str, Any]
    problem: str


def examine(source: str, listing: Listing, data_config: ConfigDict) -> Examined:
    """Looks at every image of a source.

    Args:
        source: the name of the source.
        listing: the images of the source.
        data_config: `config.data`, by which the split is drawn.

    Raises:
        DataError: if no image can be read.
    """
    seen, unreadable = _look_at_all(listing.items, data_config)
    if not seen:
        name, reason = next(iter(unreadable.items()))
        raise DataError(
            f"none of the {len(unreadable)} pictures of {source} can be read: {name}, for instance: {reason}"
        )
    found = _found(seen, unreadable, listing, data_config)
    splits = choose_splits(found, data_config, None)
    problem = ""
    try:
        check_splits(source, found, splits)
    except DataError as error:
        problem = str(error)
    copies = [[(number, seen[number].item.name) for number in members] for members in _members(found.group)]
    report = report_of(source, found, splits, copies) | listing.findings()
    report |= {"sizes": _sizes(seen)} | _near(seen, found, splits)
    for kind, judge in ODDITIES.items():
        report[kind] = {each.item.name: number for each in seen if (number := judge(each))}
    return Examined(seen, splits, report | {"problem": problem}, problem)


def _look_at_all(items: Sequence[Item], data_config: ConfigDict) -> tuple[list[Seen], dict[str, str]]:
    def look(item: Item) -> Seen | tuple[str, str]:
        try:
            data = item.read()
            return look_at(item, data, decode_image(data, max_megapixels=data_config.max_megapixels))
        except OSError as error:
            return item.name, why(error)
        except UnreadableImage as error:
            return item.name, str(error)

    results = parallel(look, items, num_workers(data_config.workers))
    seen, unreadable = [], {}
    for result in progress(results, "looking at pictures", total=len(items)):
        if isinstance(result, Seen):
            seen.append(result)
        else:
            unreadable[result[0]] = result[1]
    return seen, unreadable


def look_at(item: Item, data: bytes, image: Image.Image) -> Seen:
    """What is known of an image, from its file and its decoded pixels."""
    pixels = hashlib.sha256(repr(image.size).encode())
    pixels.update(image.tobytes())
    grey = image.convert("L")
    grey.thumbnail((SIDE, SIDE), reducing_gap=2.0)
    levels = np.asarray(grey, np.float32)
    return Seen(
        item,
        pixels.hexdigest()[:32],
        len(data),
        *image.size,
        _turn(data),
        float(levels.mean()),
        _sharpness(levels),
        look_of(image),
    )


def _turn(data: bytes) -> int:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a damaged EXIF block, for which Pillow raises errors of nearly every type
        return 1


def _sharpness(levels: np.ndarray) -> float:
    inner = levels[1:-1, 1:-1]
    if not inner.size:
        return 0.0
    around = levels[:-2, 1:-1] + levels[2:, 1:-1] + levels[1:-1, :-2] + levels[1:-1, 2:]
    return float((4 * inner - around).var())


def _shows_much(seen: Seen) -> bool:
    """Whether an image is neither tiny nor dark, and so would be called sharp if it were."""
    return min(seen.width, seen.height) >= TINY and seen.brightness >= DARK


def _ratio(seen: Seen) -> float:
    return max(seen.width, seen.height) / min(seen.width, seen.height)


def _found(seen: Sequence[Seen], unreadable: dict[str, str], listing: Listing, data_config: ConfigDict) -> Found:
    """The images as columns, as `prepare` gets them."""
    class_names = tuple(sorted({each.item.label for each in seen}))
    labels = np.array([class_names.index(each.item.label) for each in seen], np.int32)
    own = np.array([SPLITS.index(each.item.split) if each.item.split else -1 for each in seen], np.int8)
    digests, group = group_digests(np.array([each.pixels for each in seen], "S32"))
    sizes = np.array([each.size for each in seen], np.int64)
    grouping = Grouping.of(data_config, listing.groups)
    cluster = grouping.clusters(group, [each.item.name for each in seen], [each.look for each in seen])
    starts = np.array([0, len(seen)], np.int64)
    return Found(class_names, labels, own, digests, group, sizes, starts, unreadable, cluster)


def _members(group: np.ndarray) -> list[list[int]]:
    """The numbers of the members of each group that has at least two."""
    members: dict[int, list[int]] = {}
    for number, own in enumerate(group.tolist()):
        members.setdefault(own, []).append(number)
    return [each for each in members.values() if len(each) > 1]


def _near(seen: Sequence[Seen], found: Found, splits: np.ndarray) -> dict[str, list[list[str]]]:
    """Groups of images that look alike, apart from those of exact duplicates only."""
    places = [number for number, each in enumerate(seen) if each.look]
    pairs = near_pairs([seen[number].look for number in places])
    groups = [[places[member] for member in group] for group in _members(joined(len(places), pairs))]
    groups = [group for group in groups if len({int(found.group[number]) for number in group}) > 1]

    def names(chosen: Iterable[list[int]]) -> list[list[str]]:
        return [[seen[number].item.name for number in group] for group in chosen]

    return {
        "near_duplicates": names(groups),
        "near_in_two_splits": names(group for group in groups if len({int(splits[number]) for number in group}) > 1),
        "near_under_two_labels": names(
            group for group in groups if len({int(found.labels[number]) for number in group}) > 1
        ),
    }


def _sizes(seen: Sequence[Seen]) -> dict[str, Any]:
    """The smallest, the median and the largest of the sides and file sizes of the images."""
    columns = {
        "width": [each.width for each in seen],
        "height": [each.height for each in seen],
        "bytes": [each.size for each in seen],
    }
    return {
        name: {"smallest": min(values), "median": int(np.median(values)), "largest": max(values)}
        for name, values in columns.items()
    }
