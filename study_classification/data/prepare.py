"""A listed source becomes a TFDS data set in the cache, once: every picture is read, judged and given its split.

CACHE/fingerprints/HASH.json    what the files of a source were when they were last hashed
CACHE/prepared/KEY/             one prepared data set; the key is the content of all files and how they are split
    prepared_images/1.0.0/      TFDS, ArrayRecord, the original encoded bytes
    data_report.json            what was found
    splits.csv                  which picture is in which split
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from ml_collections import ConfigDict

from study_classification.data.sources import SPLITS, TRAIN, VALIDATION, Item, Listing
from study_classification.data.splits import Picture, assign_splits, read_pinned, splits_to_csv
from study_classification.errors import DataError, EnvironmentFault
from study_classification.inputs.images.decode import UnreadableImage, decode_image
from study_classification.paths import user_path, why
from study_classification.system.console import display_width, pad, progress, say
from study_classification.system.files import publish, write_json, write_text
from study_classification.system.threads import num_workers, parallel

FORMAT = 2  # part of every key: raise it when what is prepared changes
IMBALANCE = 3  # largest class / smallest class above which the report warns
# kind of finding in a listing -> how the report names it
FINDINGS = {
    "without_class": "pictures without a class (they lie beside the class folders), left out",
    "not_pictures": "not pictures, left out",
    "special_files": "pipes, devices or sockets, left out",
    "run_directories": "run directories, passed over",
    "endless_links": "links to a folder above them, not followed",
    "empty_classes": "class folders without pictures, left out",
    "merged_classes": "classes whose name is spelt in several ways, taken together",
    "similar_classes": "groups of class names that differ in case, blanks or width alone, perhaps of one class",
    "look_like_splits": "folders taken for classes, though all hold the same folders: if those are the classes, name "
    "these train, validation and test, or give one of them as the data source",
}


def cache_directory(data_config: ConfigDict) -> Path:
    """The directory for all that can be made again: `data.cache_dir`, else below the user's cache directory."""
    if data_config.cache_dir:
        return user_path(data_config.cache_dir)
    return user_path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "study_classification"


def prepare(
    source: str, listing: Listing, data_config: ConfigDict, everything_in: str = "", for_training: bool = True
) -> Path:
    """Prepares the data set if its content has not been prepared before.

    Args:
        source: name of the source, for messages and for the cache of fingerprints.
        listing: its pictures.
        data_config: `config.data`.
        everything_in: one split that takes all pictures, whatever the source says; '' draws splits as usual.
        for_training: whether there have to be pictures of several classes for training and validation.

    Returns:
        The directory of the prepared data set.

    Raises:
        DataError: if pictures cannot be read and `data.on_unreadable` is `error`, or if nothing useful is left.
        EnvironmentFault: if the cache cannot be written.
    """
    cache = cache_directory(data_config)
    try:
        (cache / "prepared").mkdir(parents=True, exist_ok=True)
        (cache / "fingerprints").mkdir(exist_ok=True)
    except OSError as error:
        raise EnvironmentFault(
            f"the cache {cache} cannot be written ({error.strerror}): choose another with --config.data.cache_dir"
        ) from None
    workers = num_workers(data_config.workers)
    digests = _file_digests(source, listing, cache / "fingerprints", workers)
    pinned = read_pinned(user_path(data_config.splits)) if data_config.splits else None
    rules = [FORMAT, data_config.split_ratio, data_config.split_seed, data_config.max_megapixels, pinned]
    rules += [everything_in, for_training]
    content = [[item.name, item.label, item.split, digest] for item, digest in zip(listing.items, digests, strict=True)]
    key = hashlib.sha256(json.dumps([rules, content]).encode()).hexdigest()[:20]
    folder = cache / "prepared" / key
    if not (folder / "splits.csv").exists():
        _write(folder, source, listing, data_config, pinned, everything_in, for_training, workers)
    unreadable = json.loads((folder / "data_report.json").read_text(encoding="utf-8"))["unreadable"]
    if unreadable and data_config.on_unreadable == "error":
        name, reason = next(iter(unreadable.items()))
        more = f" (and {len(unreadable) - 1} more)" if len(unreadable) > 1 else ""
        raise DataError(
            f"{source}: {name} cannot be read: {reason}{more}; remove it, or allow --config.data.on_unreadable=skip"
        )
    return folder


def _file_digests(source: str, listing: Listing, folder: Path, workers: int) -> list[str]:
    """SHA-256 of every file, read only where size or times differ from the last visit; '' for an unreadable file."""
    known_file = folder / f"{hashlib.sha256(os.fsencode(os.path.abspath(source))).hexdigest()[:20]}.json"
    try:
        known = json.loads(known_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}

    def fingerprint(item: Item) -> list:
        if item.path is None:
            return [hashlib.sha256(item.data).hexdigest()]
        try:
            status = item.path.stat()
            stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
            last = known.get(item.name)
            if last and last[1:] == stamp:
                return last
            return [hashlib.sha256(item.read()).hexdigest(), *stamp]
        except OSError:
            return [""]

    found = {
        item.name: value
        for item, value in zip(listing.items, parallel(fingerprint, listing.items, workers), strict=True)
    }
    if found != known:
        write_json(known_file, found)
    return [value[0] for value in found.values()]


def _inspect(item: Item, max_megapixels: float) -> tuple[str, str]:
    """(digest of the decoded pixels, '') or ('', why the file is unreadable)."""
    try:
        image = decode_image(item.read(), max_megapixels=max_megapixels)
    except OSError as error:
        return "", why(error)
    except UnreadableImage as error:
        return "", str(error)
    return hashlib.sha256(repr(image.size).encode() + image.tobytes()).hexdigest()[:32], ""


def _write(
    folder: Path,
    source: str,
    listing: Listing,
    data_config: ConfigDict,
    pinned: dict[str, str] | None,
    everything_in: str,
    for_training: bool,
    workers: int,
) -> None:
    """Reads every picture and writes the prepared data set, whole or not at all."""
    say(f"Reading {len(listing.items):,} pictures of {source} for the first time ...")
    results = parallel(lambda item: _inspect(item, data_config.max_megapixels), listing.items, workers)
    results = progress(results, "reading pictures", total=len(listing.items))
    readable: list[tuple[Item, Picture]] = []
    unreadable: dict[str, str] = {}
    for item, (pixels, reason) in zip(listing.items, results, strict=True):
        if reason:
            unreadable[item.name] = reason
        else:
            readable.append((item, Picture(item.name, item.label, pixels)))
    if not readable:
        name, reason = next(iter(unreadable.items()))
        raise DataError(
            f"none of the {len(unreadable)} pictures of {source} can be read: {name}, for instance: {reason}"
        )
    class_names = tuple(sorted({item.label for item, _ in readable}))
    if everything_in:
        splits = {picture.name: everything_in for _, picture in readable}
    else:
        splits = _choose_splits(readable, data_config, pinned)
        if for_training:
            _check_classes(source, class_names, readable, splits)

    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        _write_tfds(
            temporary,
            class_names,
            {name: [item for item, picture in readable if splits[picture.name] == name] for name in SPLITS},
        )
        report = _report(source, class_names, readable, splits, unreadable)
        write_json(temporary / "data_report.json", report)
        write_text(temporary / "splits.csv", splits_to_csv((picture, splits[picture.name]) for _, picture in readable))
        publish(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _choose_splits(
    readable: Sequence[tuple[Item, Picture]], data_config: ConfigDict, pinned: dict[str, str] | None
) -> dict[str, str]:
    """The source's own splits where it has some, drawn ones where not; validation is cut off training if missing."""
    own = {picture.name: item.split for item, picture in readable if item.split}
    ratio = tuple(data_config.split_ratio)
    if not own:
        return assign_splits((picture for _, picture in readable), ratio, data_config.split_seed, pinned)
    if VALIDATION not in own.values():
        training = (picture for item, picture in readable if item.split == TRAIN)
        own |= assign_splits(training, (*ratio[:2], 0), data_config.split_seed, pinned)
    return own


def _check_classes(
    source: str, class_names: Sequence[str], readable: Sequence[tuple[Item, Picture]], splits: dict[str, str]
) -> None:
    if len(class_names) < 2:
        raise DataError(f"{source} has only one class, {class_names[0]}: telling classes apart needs at least two")
    counts = Counter((splits[picture.name], item.label) for item, picture in readable)
    for name in class_names:
        if not counts[TRAIN, name]:
            raise DataError(f"the class {name} of {source} has no training pictures: add some, or remove the class")
    if not any(split == VALIDATION for split, _ in counts):
        raise DataError(
            f"{source} has no picture left for validation: give each class at least two pictures, "
            "better twenty, that are not copies of each other"
        )


def _write_tfds(folder: Path, class_names: Sequence[str], items: dict[str, list[Item]]) -> None:
    import tensorflow_datasets as tfds

    from study_classification.data.prepared_images import PreparedImages

    tfds.disable_progress_bar()
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        PreparedImages(folder, class_names, items).download_and_prepare()


def _report(
    source: str,
    class_names: Sequence[str],
    readable: Sequence[tuple[Item, Picture]],
    splits: dict[str, str],
    unreadable: dict[str, str],
) -> dict:
    """What the images are. What else lies in the source, the listing knows anew at every start."""
    counts = Counter((item.label, splits[picture.name]) for item, picture in readable)
    same: dict[str, list[Picture]] = defaultdict(list)
    for _, picture in readable:
        same[picture.pixels].append(picture)
    copies = [group for group in same.values() if len(group) > 1]
    return {
        "source": source,
        "pictures": len(readable),
        "classes": {name: {split: counts[name, split] for split in SPLITS} for name in class_names},
        "unreadable": unreadable,
        "duplicates": [[picture.name for picture in group] for group in copies],
        "two_labels": [
            [picture.name for picture in group] for group in copies if len({picture.label for picture in group}) > 1
        ],
        "in_two_splits": [
            [picture.name for picture in group]
            for group in copies
            if len({splits[picture.name] for picture in group}) > 1
        ],
    }


def format_report(report: dict) -> str:
    """The data report as a text of a few lines; of long lists, the first three entries."""
    classes = {name: sum(counts.values()) for name, counts in report["classes"].items()}
    total = sum(classes.values())
    splits = Counter[str]()
    for counts in report["classes"].values():
        splits.update(counts)
    sizes = ", ".join(f"{splits[name]:,} {name}" for name in SPLITS)
    lines = [f"{total:,} pictures in {len(classes)} classes: {sizes}"]
    width = max(map(display_width, classes))
    shown = list(classes.items())[:20]
    lines += [f"  {pad(name, width)}  {count:7,}  {count / total:6.1%}" for name, count in shown]
    if len(classes) > len(shown):
        lines.append(f"  ... and {len(classes) - len(shown)} more classes")
    largest, smallest = max(classes, key=classes.__getitem__), min(classes, key=classes.__getitem__)
    if classes[largest] > IMBALANCE * classes[smallest]:
        lines.append(
            f"  Imbalance: {largest} has {classes[largest] / classes[smallest]:.1f} times as many pictures as "
            f"{smallest}; look at the recall of each class, not at the accuracy alone"
        )

    def some(title: str, entries: Sequence[str] | None) -> None:
        if entries:
            lines.append(f"  {len(entries)} {title}:")
            lines.extend(f"    {entry}" for entry in entries[:3])
            if len(entries) > 3:
                lines.append("    ... (all of them in data_report.json)")

    some("unreadable, left out", [f"{name}: {reason}" for name, reason in report["unreadable"].items()])
    for kind, title in FINDINGS.items():
        some(title, report.get(kind))
    some("groups of exact duplicates", [" = ".join(names) for names in report["duplicates"]])
    some("pictures under two labels", [" = ".join(names) for names in report["two_labels"]])
    some("pictures in two splits, so the test is not blind", [" = ".join(names) for names in report["in_two_splits"]])
    if report["hidden"]:
        lines.append(f"  {len(report['hidden'])} hidden files or folders skipped")
    return "\n".join(lines)
