"""Predicts images or rows of CSV files: one row of output for each, in order, in constant memory."""

import codecs
import contextlib
import csv
import glob
import io
import itertools
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np
from jaxtyping import Float

from study_classification.data.folders import FILE, LOOP, RUN, is_image, walk
from study_classification.data.tables import plain_cell
from study_classification.errors import ConfigError, DataError
from study_classification.inference.given_rows import Listed, rows_of_files
from study_classification.inference.predictor import Predictor, load_predictor
from study_classification.inputs.images.decode import UnreadableImage
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.images.reader import ImageReader
from study_classification.inputs.kinds import RowPreprocess
from study_classification.language.translate import translated
from study_classification.paths import is_made_here, on_bucket, printable, read_file, refuse_address, user_path, why
from study_classification.runs.directory import Run
from study_classification.system import hosts
from study_classification.system.console import data_on_stdout, display_width, pad, say
from study_classification.system.threads import num_workers, parallel

UNKNOWN = "unknown"
Found = tuple[dict, np.ndarray | None, str]  # where the example lies, what the network sees, why it cannot be read


def predict(
    run: Run,
    inputs: Sequence[str],
    *,
    checkpoint: str = "best",
    tta: str = "none",
    output_format: str = "table",
    top_k: int = 1,
    threshold: float = 0.0,
    shard: tuple[int, int] = (0, 1),
    calibrated: bool = False,
) -> int:
    """Writes one row for each example to stdout, with its class or number. All messages go to stderr.

    Args:
        run: the run whose network predicts.
        inputs: files, folders, patterns, or '-' for a list of these on stdin, one in each line. Rows are in CSV files.
        checkpoint: `best`, `last`, or a step.
        tta: test-time augmentation, `none` or `flip`: probabilities are averaged over the image and its mirror image.
        output_format: `table`, `csv`, `json` (one array) or `jsonl` (one object a line).
        top_k: how many classes a row names.
        threshold: the class is 'unknown' if the greatest probability is below this.
        shard: (index, number of shards); it takes the examples whose position modulo the number is the index.

    Returns:
        The exit code: 0, or 3 if an image or row could not be read (its row says why).

    Raises:
        ConfigError: if there is nothing to predict, an address is not known, or an option for classes meets a
            regression.
        RunError: if the checkpoint cannot be used.
    """
    of_images = isinstance(preprocess := run.preprocess, Preprocess)
    if not inputs:
        what = "files or folders" if of_images else "CSV files"
        raise ConfigError(f"predict needs {preprocess.noun}: name {what}, or give - and a list of them on stdin")
    for text in inputs:
        refuse_address(text)
    if not run.class_names and (top_k != 1 or threshold):
        raise ConfigError(
            f"--top_k and --threshold are for classes, but the run in {run.workdir} predicts a number: drop both"
        )
    top_k = min(top_k, len(run.class_names))
    columns = ["file", *([] if of_images else ["line"])]
    columns += ["class", "probability"] if run.class_names else ["value"]
    columns += [f"{name}_{rank}" for rank in range(2, top_k + 1) for name in ("class", "probability")]
    unreadable = 0
    with data_on_stdout() as stdout, hosts.first_speaks():
        files = find_files(inputs, folders=of_images)
        listed: Iterator = files if isinstance(preprocess, Preprocess) else rows_of_files(files, preprocess)
        examples = itertools.islice(listed, shard[0], None, shard[1])
        predictor = load_predictor(run, checkpoint, tta, local=True, calibrated=calibrated)
        rows = rows_of_all_hosts(predictor, examples, top_k, threshold)
        with contextlib.nullcontext(stdout) if hosts.is_first() else open(os.devnull, "w", encoding="utf-8") as out:
            count, unreadable = write_rows(rows, [*columns, "error"], output_format, out)
        if not count:
            say("Nothing was predicted: the list is empty, or this shard of it")
        if unreadable:
            say(f"{unreadable} of {count} {'files' if of_images else 'rows'} could not be read: see their error")
    return DataError.exit_code if unreadable else 0


def find_files(inputs: Iterable[str], folders: bool = True) -> Iterator[str]:
    """The files that the inputs mean, in order. With `folders`, a folder means its images, at any depth, not hidden.

    An empty folder, one that cannot be read, or an absent file is passed on as it is, so that its row can say so.
    """
    for text in inputs:
        if text == "-":
            yield from find_files(listed_files(sys.stdin), folders)
        else:
            for path in _matches(os.path.expanduser(text)):
                yield from _images_in(path) if folders and is_folder(path) else [path]


def listed_files(stream: TextIO | None) -> Iterator[str]:
    """The lines of a list, with the line ends of any system. Names may have any bytes; UTF-16 begins with its mark.

    Raises:
        ConfigError: if there is no stream.
    """
    if stream is None:
        raise ConfigError("- stands for a list on stdin, but stdin is closed: name the files, or give a list")
    if isinstance(stream, io.TextIOWrapper) and isinstance(stream.buffer, io.BufferedReader):
        wide = stream.buffer.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        with contextlib.suppress(io.UnsupportedOperation):  # it is read already
            stream.reconfigure(
                encoding="utf-16" if wide else "utf-8-sig", errors="replace" if wide else "surrogateescape"
            )
    for line in stream:
        if line.strip():
            yield line.rstrip("\r\n")


def _matches(text: str) -> list[str]:
    """The path itself, or as Windows writes it, if that exists; else the paths that match it as a pattern.

    Windows copies a path in quotation marks, and writes `\\` for `/`.
    """
    if "\0" in text or on_bucket(text):
        return [text]
    bare = text[1:-1] if len(text) > 2 and text[0] == text[-1] == '"' else text
    for each in (text, bare, bare.replace("\\", "/")):
        if found := [each] if os.path.lexists(each) else sorted(glob.glob(each, recursive=True)):
            return found
    return [text]


def is_folder(path: str) -> bool:
    """Whether a path, of a bucket as well, is a folder."""
    return user_path(path).is_dir() if on_bucket(path) else os.path.isdir(path)


def _images_in(folder: str) -> Iterator[str]:
    found, locked = False, list[str]()
    root = user_path(folder) if on_bucket(folder) else Path(folder)
    for relative, kind in () if is_made_here(root) else walk(root, lambda inner, error: locked.append(inner)):
        path = os.path.join(folder, relative)
        if kind in (RUN, LOOP):
            what = "a folder that this program has made" if kind == RUN else "a link to a folder above"
            say(f"{printable(path)} is {what}: passed over")
        elif kind == FILE and is_image(path):
            found = True
            yield path
    yield from locked or ([] if found else [folder])


def rows_of_all_hosts(predictor: Predictor, examples: Iterator, top_k: int, threshold: float) -> Iterator[dict]:
    """The rows of `predict_examples`; several hosts share the examples that the first host has."""
    if hosts.alone():
        yield from predict_examples(predictor, examples, top_k, threshold)
        return
    share = predictor.batch_sizes[-1]
    while True:
        first = list(itertools.islice(examples, share * hosts.count())) if hosts.is_first() else []
        together = json.loads(hosts.text_from_first(json.dumps(first)))
        if not together:
            return
        mine = together[hosts.index() * share : (hosts.index() + 1) * share]
        for text in hosts.texts_of_all(json.dumps(list(predict_examples(predictor, mine, top_k, threshold)))):
            yield from json.loads(text)


def predict_examples(predictor: Predictor, examples: Iterable, top_k: int, threshold: float) -> Iterator[dict]:
    """One row for each example: file, line (of rows), class and probability (of the `top_k` likeliest), error.

    For a regression there is a value instead of class and probability.

    Args:
        predictor: the network of the run.
        examples: files of images, or rows as `rows_of_files` gives them.
        top_k: how many classes a row names.
        threshold: the class is 'unknown' if the greatest probability is below this.
    """
    run, preprocess = predictor.run, predictor.run.preprocess
    if isinstance(preprocess, Preprocess):
        reader = ImageReader(preprocess, run.config.data.max_megapixels)
        found: Iterator[Found] = parallel(partial(_read_file, reader), examples, num_workers(run.config.data.workers))
    else:
        found = map(partial(_read_row, preprocess), examples)
    answers_of = predictor.probabilities_of if run.class_names else predictor.predictions_of
    for group in _groups(found, predictor.batch_sizes[-1]):
        readable = [values for _, values, _ in group if values is not None]
        answers = iter(answers_of(np.stack(readable)) if readable else ())
        for place, values, error in group:
            row: dict[str, str | float] = {**place}
            row |= {"class": "", "probability": ""} if run.class_names else {"value": ""}
            if values is not None and run.class_names:
                row |= _classes(next(answers), run.class_names, top_k, threshold)
            elif values is not None:
                row["value"] = float(next(answers))
            yield row | {"error": error}


def _classes(
    probabilities: Float[np.ndarray, " classes"], class_names: Sequence[str], top_k: int, threshold: float
) -> dict[str, str | float]:
    """The likeliest classes and their probabilities, by the names of their columns."""
    row: dict[str, str | float] = {}
    for rank, index in enumerate(np.argsort(-probabilities, kind="stable")[:top_k], start=1):
        suffix = f"_{rank}" if rank > 1 else ""
        row |= {f"class{suffix}": class_names[index], f"probability{suffix}": float(probabilities[index])}
    return row | {"class": UNKNOWN} if probabilities.max() < threshold else row


def _read_file(reader: ImageReader, file: str) -> Found:
    place = {"file": printable(file)}
    try:
        return place, reader.read(read_file(file))[0], ""
    except UnreadableImage as error:
        return place, None, str(error)
    except OSError as error:
        return place, None, why_no_pictures(file) if is_folder(file) else why(error)


def why_no_pictures(folder: str) -> str:
    """Why nothing in a folder is taken for an image to predict."""
    if is_made_here(folder):
        return "this program has made the folder, for a run or for what it draws: name its pictures one by one"
    return "there are no pictures in this folder"


def _read_row(preprocess: RowPreprocess, listed: Listed) -> Found:
    file, line, row, reason = listed
    place = {"file": printable(file), "line": line or ""}
    try:
        return place, None if reason else preprocess.read(row), reason
    except DataError as error:
        return place, None, str(error)


def write_rows(rows: Iterable[dict], columns: Sequence[str], output_format: str, out: TextIO) -> tuple[int, int]:
    """Writes the rows as they come; returns (number of rows, number of unreadable ones)."""
    count = unreadable = 0
    writer = csv.DictWriter(out, columns, lineterminator="\n", restval="")
    if output_format == "csv":
        writer.writeheader()
    if output_format == "json":
        out.write("[")
    width = 0
    for count, row in enumerate(rows, start=1):
        unreadable += bool(row["error"])
        match output_format:
            case "csv":
                texts = {name: plain_cell(value) for name, value in row.items() if isinstance(value, str)}
                writer.writerow(row | texts)
            case "table":
                width = max(width, display_width(_place(row)))
                out.write(translated(_table_line(row, width)) + "\n")
            case _:
                ordered = {name: row[name] for name in columns if row.get(name, "") != ""}
                if output_format == "json":
                    out.write(",\n" if count > 1 else "\n")
                out.write(json.dumps(ordered, ensure_ascii=False) + ("\n" if output_format == "jsonl" else ""))
    if output_format == "json":
        out.write("\n]\n")
    return count, unreadable


def _place(row: dict) -> str:
    return f"{row['file']}:{row['line']}" if row.get("line") else row["file"]


def _table_line(row: dict, width: int) -> str:
    if row["error"]:
        return f"{pad(_place(row), width)}  not readable: {row['error']}"
    if "value" in row:
        return f"{pad(_place(row), width)}  {row['value']:.6g}"
    ranks = ["", *(name.removeprefix("class") for name in row if name.startswith("class_"))]
    return f"{pad(_place(row), width)}  " + "  ".join(
        f"{row[f'class{rank}']} {row[f'probability{rank}']:.1%}" for rank in ranks
    )


def _groups(items: Iterator, size: int) -> Iterator[list]:
    while group := list(itertools.islice(items, size)):
        yield group
