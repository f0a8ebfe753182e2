"""Where labelled pictures come from: a folder, a manifest, or scikit-learn's digits, listed without being read.

A TFDS data set needs no listing; `dataset.py` opens it directly.
"""

import csv
import io
import json
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from study_classification.errors import DataError
from study_classification.inputs.images.decode import IMAGE_EXTENSIONS, is_hidden, looks_like_image

TRAIN, VALIDATION, TEST = SPLITS = ("train", "validation", "test")
SPLIT_NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "validation": VALIDATION,
    "val": VALIDATION,
    "valid": VALIDATION,
    "test": TEST,
    "testing": TEST,
}


@dataclass(frozen=True)
class Item:
    """One picture of a source: its unique name there, its class, its split if the source has splits, its bytes."""

    name: str
    label: str
    split: str | None = None
    path: Path | None = None
    data: bytes = b""

    def read(self) -> bytes:
        return self.data if self.path is None else self.path.read_bytes()


@dataclass(frozen=True)
class Listing:
    """All pictures of a source, sorted by name, and what was passed over."""

    items: tuple[Item, ...]
    hidden: tuple[str, ...] = ()
    not_pictures: tuple[str, ...] = ()
    empty_classes: tuple[str, ...] = field(default=())

    @property
    def class_names(self) -> tuple[str, ...]:
        """Sorted, so that their order is a property of the data and of nothing else."""
        return tuple(sorted({item.label for item in self.items}))


def list_source(source: str) -> Listing:
    """Lists 'digits', an image folder, or a .csv / .json / .jsonl manifest.

    Raises:
        DataError: if there is no such source, or it has no labelled pictures.
    """
    if source == "digits":
        return list_digits()
    path = Path(source).expanduser()
    if path.is_file():
        return list_manifest(path)
    if not path.is_dir():
        raise DataError(
            f"the data source '{source}' does not exist: give a folder with one sub-folder a class, a .csv "
            "or .jsonl manifest, tfds:NAME, or digits"
        )
    return list_folder(path)


def absolute_source(source: str) -> str:
    """The source by which it is found from any directory: an absolute path, if it is one."""
    path = Path(source).expanduser()
    return str(path.absolute()) if source != "digits" and path.exists() else source


def list_folder(root: Path) -> Listing:
    """Lists `root/CLASS/**` or `root/{train,validation|val,test}/CLASS/**`; folders within a class belong to it.

    Raises:
        DataError: if there are no class folders, or no pictures in them.
    """
    folders = sorted(entry.name for entry in _scan(root) if entry.is_dir() and not is_hidden(PurePosixPath(entry.name)))
    splits = {name: SPLIT_NAMES[name.lower()] for name in folders if name.lower() in SPLIT_NAMES}
    if splits and TRAIN in splits.values() and len(splits) < len(folders):
        other = next(name for name in folders if name not in splits)
        raise DataError(
            f"{root} has both split folders ({', '.join(splits)}) and '{other}': "
            "move the others away, or rename the split folders if they are classes"
        )
    has_splits = TRAIN in splits.values()
    if has_splits and len(set(splits.values())) < len(splits):
        raise DataError(f"{root} has two folders for one split ({', '.join(splits)}): keep one of them")
    depth = 1 if has_splits else 0  # how many folders lie above the class folder

    items, hidden, not_pictures, classes = [], [], [], set()
    for relative, is_folder in walk(root):
        parts = relative.parts
        if is_hidden(relative):
            hidden.append(str(relative))
        elif is_folder:
            if len(parts) == depth + 1:
                classes.add(_label(parts[depth]))
        elif len(parts) < depth + 2 or not is_picture(root / relative):
            not_pictures.append(str(relative))
        else:
            split = splits[parts[0]] if has_splits else None
            items.append(Item(str(relative), _label(parts[depth]), split, root / relative))
    if not classes:
        raise DataError(
            f"{root} has no class folders: make one folder for each class in it, named as the class, and "
            "put its pictures there"
        )
    if not items:
        raise DataError(
            f"{root} has class folders ({', '.join(sorted(classes)[:5])}) but no pictures in them: "
            f"put {', '.join(sorted(IMAGE_EXTENSIONS))} files there"
        )
    empty = classes - {item.label for item in items}
    return Listing(tuple(items), tuple(hidden), tuple(not_pictures), tuple(sorted(empty)))


def list_manifest(file: Path) -> Listing:
    """Lists a .csv with a header, or .json / .jsonl with one object a line: `path`, `label` and optionally `split`.

    Relative paths start at the manifest's folder.

    Raises:
        DataError: naming the line that cannot be used.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the manifest {file} cannot be read ({error}): save it as UTF-8 text") from None
    suffix = file.suffix.lower()
    if suffix not in (".csv", ".json", ".jsonl"):
        raise DataError(f"{file} is a file, but neither .csv nor .jsonl: give a manifest, or a folder of pictures")
    rows = _csv_rows(file, text) if suffix == ".csv" else _json_rows(file, text)

    items: dict[str, Item] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        name, label, split = (str(row.get(key) or "").strip() for key in ("path", "label", "split"))
        if not name or not label:
            raise DataError(f"{file}, line {line}: path and label are both needed, but one is missing or empty")
        if name in items:
            raise DataError(f"{file}, line {line}: {name} stands in line {lines[name]} already: remove one of the two")
        if split and split.lower() not in SPLIT_NAMES:
            raise DataError(f"{file}, line {line}: the split '{split}' is none of train, validation, test")
        path = file.parent / Path(name).expanduser()
        items[name] = Item(name, _label(label), SPLIT_NAMES[split.lower()] if split else None, path)
        lines[name] = line
    if not items:
        raise DataError(f"{file} lists no pictures: each line needs a path and a label")
    without = next((name for name, item in items.items() if item.split is None), None)
    if without is not None and any(item.split for item in items.values()):
        raise DataError(
            f"{file}, line {lines[without]}: it has no split, but other lines have one: "
            "give one to every line, or to none"
        )
    return Listing(tuple(items[name] for name in sorted(items)))


def list_digits() -> Listing:
    """The 1,797 real handwritten digits (8 x 8, 17 grey levels) that ship inside scikit-learn, as PNG files.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.
    """
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    items = []
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        buffer = io.BytesIO()
        Image.fromarray(np.round(pixels * (255 / 16)).astype(np.uint8)).save(buffer, "png")
        items.append(Item(f"{label}/{number:04}.png", str(label), data=buffer.getvalue()))
    return Listing(tuple(sorted(items, key=lambda item: item.name)))


def _label(name: str) -> str:
    """macOS stores decomposed names: the same Japanese folder name must be the same class on every system."""
    return unicodedata.normalize("NFC", name)


def is_picture(path: Path) -> bool:
    """By its extension, or, where that says nothing, by its first bytes."""
    if path.suffix.lower() in IMAGE_EXTENSIONS:
        return True
    try:
        with path.open("rb") as file:
            return looks_like_image(file.read(32))
    except OSError:
        return False


def _scan(folder: Path) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be read: {error.strerror}") from None


def walk(root: Path) -> Iterator[tuple[PurePosixPath, bool]]:
    """Every file and folder below root as (relative path, is a folder), sorted; hidden folders are not entered."""
    seen = {root.resolve()}  # a link to a folder above would never end

    def visit(folder: Path, relative: PurePosixPath) -> Iterator[tuple[PurePosixPath, bool]]:
        for entry in _scan(folder):
            path = relative / entry.name
            if not entry.is_dir():
                yield path, False
                continue
            yield path, True
            inner = Path(entry.path)
            if is_hidden(path) or (entry.is_symlink() and inner.resolve() in seen):
                continue
            seen.add(inner.resolve() if entry.is_symlink() else inner)
            yield from visit(inner, path)

    yield from visit(root, PurePosixPath())


def _csv_rows(file: Path, text: str) -> Iterator[tuple[int, dict]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    if not {"path", "label"} <= set(reader.fieldnames or ()):
        raise DataError(
            f"{file}: the first line must name the columns path and label (and, if you like, split), but "
            f"is '{','.join(reader.fieldnames or ())}'"
        )
    for row in reader:
        yield reader.line_num, row


def _json_rows(file: Path, text: str) -> Iterator[tuple[int, dict]]:
    for line, content in enumerate(text.splitlines(), start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except ValueError as error:
            raise DataError(f"{file}, line {line}: it is no JSON object ({error}): write one object a line") from None
        if not isinstance(row, dict):
            raise DataError(f"{file}, line {line}: it is no JSON object: write one object a line")
        yield line, row
