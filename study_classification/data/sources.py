"""Lists the labelled images of a folder, a manifest, or scikit-learn's digits, without reading them.

A TFDS data set needs no listing; `dataset.py` opens it directly.
"""

import functools
import io
import itertools
import math
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from study_classification.data.folders import FILE, FOLDER, HIDDEN, LOOP, RUN, SPECIAL, is_image, walk
from study_classification.data.items import TEST, TRAIN, VALIDATION, Items, Texts, collect
from study_classification.data.tables import read_csv, read_json_lines
from study_classification.errors import ConfigError, DataError
from study_classification.inputs.images.decode import IMAGE_EXTENSIONS
from study_classification.paths import MADE_HERE, absolute, is_made_here, is_run, printable, user_path

SPLIT_NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "validation": VALIDATION,
    "val": VALIDATION,
    "valid": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
REST = "rest"  # the class of all digits that the source does not name
LARGEST_NUMBER = 3.4e38  # that float32 can hold
_SPLIT_LIKE = re.compile("(^|[^a-z])(train|val|test|eval|dev)")  # training_set, images_test, val2017
NO_UTF8 = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Listing:
    """All images of a source, sorted by name, and what else was found in it. All names can be printed.

    Attributes:
        items: the images.
        hidden: files and folders that are hidden or that a system has left. They are left out, as are those below.
        not_images: files that are no images.
        special_files: pipes, devices and sockets.
        without_class: images beside the class folders.
        run_directories: folders that this program has made, for runs and for what it draws.
        endless_links: links to a folder above them.
        empty_classes: class folders without images.
        merged_classes: groups of names that are one class, for they differ only in outer blanks or Unicode form.
        look_like_splits: folders that are taken for classes, though each holds only folders, with the same names.
        groups: name of an image -> its group, from a manifest. All images of a group stay in one split.
    """

    items: Items
    hidden: tuple[str, ...] = ()
    not_images: tuple[str, ...] = ()
    special_files: tuple[str, ...] = ()
    without_class: tuple[str, ...] = ()
    run_directories: tuple[str, ...] = ()
    endless_links: tuple[str, ...] = ()
    empty_classes: tuple[str, ...] = ()
    merged_classes: tuple[str, ...] = ()
    look_like_splits: tuple[str, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names, sorted, so that their order depends on the data alone."""
        return self.items.class_names

    def findings(self) -> dict[str, list[str]]:
        """What else was found, by kind. `similar_classes` are classes whose names look alike."""
        kinds = [kind.name for kind in fields(self) if kind.name not in ("items", "groups")]
        found = {kind: list(getattr(self, kind)) for kind in kinds}
        return found | {"similar_classes": similar_names(self.class_names)}


def list_source(source: str, for_training: bool = True) -> Listing:
    """Lists the images of a source.

    Args:
        source: 'digits', some of them such as 'digits:3,8', an image folder, or a .csv / .json / .jsonl manifest.
        for_training: whether a folder has to look like classes, or like splits with one for training.

    Raises:
        DataError: if there is no such source, or it has no labelled images.
    """
    if source == "digits" or source.startswith("digits:"):
        return list_digits(source.removeprefix("digits").removeprefix(":"))
    path = user_path(source)
    if path.is_file():
        return list_manifest(path)
    if path.is_dir():
        return list_folder(path, for_training)
    raise DataError(
        f"the data source '{printable(source)}' {'is neither file nor folder' if path.exists() else 'does not exist'}: "
        "give a folder with one sub-folder a class, a .csv or .jsonl manifest, tfds:NAME, or digits"
    )


def numbers_of(source: str, labels: Iterable[str]) -> dict[str, float]:
    """Label -> its number, for the labels of a source.

    Raises:
        DataError: if a label is no number, or a number that float32 cannot hold.
    """
    numbers = {}
    for label in labels:
        try:
            numbers[label] = float(label)
        except ValueError:
            numbers[label] = math.nan
        if not abs(numbers[label]) <= LARGEST_NUMBER or "_" in label:
            raise DataError(
                f"the label '{label}' of {source} is no number, but task.name is regression: write each number with "
                "digits and a point, such as 41.5, or set task.name to softmax"
            )
    return numbers


def absolute_source(source: str) -> str:
    """The source as it is found from any directory: a path becomes absolute."""
    path = user_path(source)
    return str(absolute(path)) if source != "digits" and path.exists() else source


def list_folder(root: Path, for_training: bool = True) -> Listing:
    """Lists `root/CLASS/**` or `root/{train,validation|val,test}/CLASS/**`; folders within a class belong to it.

    Args:
        root: the folder.
        for_training: see `list_source`.

    Raises:
        DataError: if there are no class folders, or no images in them, or what looks like classes is something else.
    """
    if is_run(root):
        raise DataError(f"{root} is a run directory, which a training has written: give the folder of the pictures")
    if is_made_here(root):
        raise DataError(
            f"{root} has been made by this program for what it draws: give a folder of data, or remove {MADE_HERE} "
            "there if it has become one"
        )
    found: dict[str, list[str]] = defaultdict(list)
    images = Texts()
    for path, kind in walk(root):
        if kind == FILE and is_image(os.path.join(root, path)):
            images.append(path)
        else:
            found[kind].append(path)
    splits = _split_folders(root, found[FOLDER], images, for_training)
    depth = 1 if splits else 0  # how many folders lie above the class folder
    alike = _require_classes(root, images) if for_training and not splits else ()

    label_of = functools.cache(class_name)
    without_class: list[str] = []

    def rows() -> Iterator[tuple[str, str, str | None, str]]:
        for path in images:
            parts = path.split("/", depth + 1)
            if len(parts) == depth + 2:
                yield printable(path), label_of(parts[depth]), splits[parts[0]] if splits else None, path
            else:
                without_class.append(path)

    items = collect(rows(), str(root))
    folders = [path.split("/") for path in found[FOLDER] if path.count("/") == depth]
    classes = {parts[depth] for parts in folders if not splits or parts[0] in splits}
    written_by_runs = {path.split("/")[depth] for path in found[RUN] if path.count("/") > depth}
    _require_items(root, items, sorted({class_name(name) for name in classes}))
    _require_unique(root, items)
    return Listing(
        items,
        hidden=_printable(found[HIDDEN]),
        not_images=_printable(found[FILE]),
        special_files=_printable(found[SPECIAL]),
        without_class=_printable(without_class),
        run_directories=_printable(found[RUN]),
        endless_links=_printable(found[LOOP]),
        empty_classes=tuple(sorted({class_name(name) for name in classes - written_by_runs} - set(items.class_names))),
        merged_classes=merged_names(classes),
        look_like_splits=alike,
    )


def _split_folders(root: Path, folders: Iterable[str], images: Iterable[str], for_training: bool) -> dict[str, str]:
    """Folder -> split; nothing if the folders below root are classes.

    Splits for training include a folder for training. In data that are only measured, folders with the names of splits
    are splits if all their images lie in folders below them.
    """
    splits = {name: SPLIT_NAMES[name.strip().lower()] for name in folders if name.strip().lower() in SPLIT_NAMES}
    if for_training and TRAIN not in splits.values():
        return {}
    holders = {path.rpartition("/")[0] for path in images} - {""}
    others = sorted({folder.split("/", 1)[0] for folder in holders} - splits.keys())
    deep = bool(holders) and all("/" in folder for folder in holders)
    if TRAIN not in splits.values() and (others or not deep):
        return {}
    if others:
        raise DataError(
            f"{root} has both split folders ({', '.join(splits)}) and '{printable(others[0])}': "
            "move the others away, or rename the split folders if they are classes"
        )
    if len(set(splits.values())) < len(splits):
        raise DataError(f"{root} has two folders for one split ({', '.join(splits)}): keep one of them")
    return splits


def _require_classes(root: Path, images: Iterable[str]) -> tuple[str, ...]:
    """Raises DataError if the folders below root are not classes; returns the folders that may not be."""
    folders = sorted({path.rpartition("/")[0] for path in images if "/" in path})
    paths = [folder.split("/") for folder in folders]
    classes = {parts[0] for parts in paths if len(parts) == 1}  # they hold an image themselves
    inside: dict[str, set[str]] = defaultdict(set)
    for parts in paths:
        if parts[0] not in classes:
            inside[parts[0]].add(parts[1])
    names = _printable(inside)
    if len(inside) == 1 and not classes:
        deepest = os.path.commonpath(folders)
        if deepest in folders:
            return ()  # one class, whose images lie deeper
        raise DataError(
            f"{root} has all its pictures in folders below one folder, {names[0]}: if these are the classes, give "
            f"{root / printable(deepest)} as the data source"
        )
    common = set.intersection(*inside.values()) if inside else set()
    if len(common) < 2:
        return ()
    listed = ", ".join(sorted(map(printable, common))[:5])
    if all(_SPLIT_LIKE.search(name.lower()) for name in inside):
        raise DataError(
            f"{root} has no class folders: {', '.join(names)} hold no pictures themselves, but the same folders "
            f"({listed}), so they look like splits: name them train, validation and test, or give one of them as the "
            "data source"
        )
    return names if not classes and all(folders == common for folders in inside.values()) else ()


def _require_items(root: Path, items: Items, classes: list[str]) -> None:
    if not classes:
        raise DataError(
            f"{root} has no class folders: make one folder for each class in it, named as the class, and "
            "put its pictures there"
        )
    if not items:
        raise DataError(
            f"{root} has class folders ({', '.join(classes[:5])}) but no pictures in them: "
            f"put {', '.join(sorted(IMAGE_EXTENSIONS))} files there"
        )
    if "" in classes:
        raise DataError(f"{root} has a class folder whose name is blank: rename it")


def _require_unique(source: Path, items: Items) -> None:
    twice = next((one for one, other in itertools.pairwise(items.names) if one == other), None)
    if twice is not None:
        raise DataError(f"{source} has two files whose names are both written {twice}: rename one of them")


def _printable(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(printable, names))


def list_manifest(file: Path) -> Listing:
    """Lists a .csv with a header, or a .json / .jsonl with one object a line.

    The columns are `path` and `label`, and optionally `split` and `group`.

    Relative paths start at the manifest's folder.

    Raises:
        DataError: naming the line that cannot be used.
    """
    suffix = file.suffix.lower()
    if suffix not in (".csv", ".json", ".jsonl"):
        raise DataError(f"{file} is a file, but neither .csv nor .jsonl: give a manifest, or a folder of pictures")
    rows = (
        read_csv(file, ("path", "label"))
        if suffix == ".csv"
        else read_json_lines(file, ("path", "label", "split", "group"))
    )

    lines: dict[str, int] = {}
    spellings, groups = set(), {}
    without = ""  # the first image without a split

    def items_of_rows() -> Iterator[tuple[str, str, str | None, str]]:
        nonlocal without
        for line, row in rows:
            try:
                name, label, split, path = _item_of_row(file.parent, row)
            except (ConfigError, DataError) as error:
                raise DataError(f"{file}, line {line}: {error}") from None
            if name in lines:
                raise DataError(
                    f"{file}, line {line}: {name} stands in line {lines[name]} already: remove one of the two"
                )
            lines[name] = line
            spellings.add(row["label"])
            if row.get("group"):
                groups[name] = row["group"]
            without = without or (name if split is None else "")
            yield name, label, split, path

    items = collect(items_of_rows(), str(file.parent))
    if not lines:
        raise DataError(f"{file} lists no pictures: each line needs a path and a label")
    if without and items.has_splits:
        raise DataError(
            f"{file}, line {lines[without]}: it has no split, but other lines have one: "
            "give one to every line, or to none"
        )
    return Listing(items, merged_classes=merged_names(spellings), groups=groups)


def _item_of_row(folder: Path, row: Mapping[str, str]) -> tuple[str, str, str | None, str]:
    """The image that a row of a manifest in this folder means; `\\` is `/` where no file has such a name.

    Raises:
        ConfigError: if the path cannot be a path.
        DataError: if anything else is wrong with the row.
    """
    name, label, split = (row.get(column, "") for column in ("path", "label", "split"))
    if not name or not label:
        raise DataError("path and label are both needed, but one is missing or empty")
    if split and split.lower() not in SPLIT_NAMES:
        raise DataError(f"the split '{printable(split)}' is none of train, validation, test")
    path = user_path(name if "\\" not in name or os.path.lexists(folder / name) else name.replace("\\", "/"))
    if NO_UTF8.search(label) or (NO_UTF8.search(name) and not os.path.lexists(folder / path)):
        raise DataError("it is no UTF-8 text: save the manifest as UTF-8, which Excel calls CSV UTF-8")
    return printable(name), class_name(label), SPLIT_NAMES[split.lower()] if split else None, str(path)


def list_digits(chosen: str = "") -> Listing:
    """The 1,797 real handwritten digits (8 x 8, 17 grey levels) that ship inside scikit-learn, as PNG files.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.

    Args:
        chosen: digits separated by commas; '' takes all. `rest` among them makes all other digits one class.

    Raises:
        DataError: if one of them is no digit.
    """
    wanted = [name.strip() for name in chosen.split(",")] if chosen else list("0123456789")
    if wrong := [name for name in wanted if name not in [*"0123456789", REST]]:
        raise DataError(
            f"the data source 'digits:{chosen}' names '{wrong[0]}': give digits and {REST}, such as digits:3,8, or "
            f"digits:8,{REST} for 8 and all others"
        )
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    items = []
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        name = str(label) if str(label) in wanted else REST
        if name not in wanted:
            continue
        buffer = io.BytesIO()
        Image.fromarray(np.round(pixels * (255 / 16)).astype(np.uint8)).save(buffer, "png")
        items.append((f"{label}/{number:04}.png", name, None, buffer.getvalue()))
    return Listing(collect(items))


def class_name(name: str) -> str:
    """The class of a folder or label, in Unicode form NFC.

    macOS stores decomposed names, and the same Japanese name must be the same class on every system.
    """
    return printable(unicodedata.normalize("NFC", name).strip())


def merged_names(names: Iterable[str]) -> tuple[str, ...]:
    """Groups of names that mean the same class; quotation marks show their blanks."""
    spellings = defaultdict(list)
    for name in sorted(names):
        spellings[class_name(name)].append(f"'{printable(name)}'")
    return tuple(" = ".join(group) for group in spellings.values() if len(group) > 1)


def similar_names(names: Iterable[str]) -> list[str]:
    """Groups of class names that differ only in case, blanks, width or invisible characters."""
    groups = defaultdict(list)
    for name in names:
        folded = unicodedata.normalize("NFKC", name).casefold()
        key = "".join(sign for sign in folded if not sign.isspace() and unicodedata.category(sign) != "Cf")
        groups[key].append(f"'{name}'")
    return [" / ".join(group) for group in groups.values() if len(group) > 1]
