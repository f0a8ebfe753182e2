"""Files are read once, and what is known of them is known again only if nothing has changed."""

import os
import shutil
from pathlib import Path

import pytest

from study_classification.data.items import Item, collect
from study_classification.data.sources import list_source
from study_classification.data.staging import Fingerprints, Row, Stage, content_of, find_parts, is_settled
from study_classification.errors import EnvironmentFault


@pytest.fixture
def items(digits):
    return list_source(str(digits)).items


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path / "stage", 89.0)


def test_parts_hold_all_images_and_a_new_one_changes_one_part_only():
    rows = [(f"{number:04}.png", "cat", None, b"%d" % number) for number in range(5000)]
    parts = find_parts(collect(rows), 2)
    assert [part.start for part in parts[1:]] + [5000] == [part.stop for part in parts]
    assert 10 < len(parts) < 40  # about 256 each
    more = find_parts(collect([*rows, ("1233b.png", "cat", None, b"new")]), 2)
    assert len({part.stamp for part in more} - {part.stamp for part in parts}) <= 2


def change_quietly(file):
    """Another content of the same size and time, as a copying program may leave it."""
    before = file.stat()
    file.write_bytes(bytes(before.st_size))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        change_quietly,
        lambda file: os.utime(file, ns=(0, file.stat().st_mtime_ns + 1000)),  # within a second
        lambda file: file.write_bytes(b"other"),
        lambda file: os.utime(file),
        lambda file: file.unlink(),
        lambda file: file.rename(file.with_suffix(".jpg")),
    ],
)
def test_every_change_of_a_file_changes_its_stamp(digits, items, change):
    before = find_parts(items, 1)
    change(Path(items[7].path))
    assert find_parts(list_source(str(digits)).items, 1) != before


def test_the_system_is_asked_what_may_be_read_where_the_mode_leaves_it_open(digits, items, monkeypatch):
    (part,) = find_parts(items, 1)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert find_parts(items, 1) == [part]  # for all may read each file
    Path(items[7].path).chmod(0o640)
    (own,) = find_parts(items, 1)
    monkeypatch.undo()
    assert find_parts(items, 1) != [own]


def test_the_content_of_a_part_is_names_classes_splits_and_digests():
    row = Row("a.png", "cat", None, "0a1b")
    changes = ({"name": "b.png"}, {"label": "dog"}, {"split": "test"}, {"digest": "0a1c"})
    assert len({content_of([row]), *(content_of([row._replace(**change)]) for change in changes)}) == 5
    assert content_of([row._replace(offset=7, size=9)]) == content_of([row])  # wherever it is kept


def test_the_files_come_back_as_they_were_judged(items, stage):
    (digits_part,) = parts = find_parts(items, 2)
    assert not stage.has(digits_part, items)
    rows = list(stage.fill(items, parts, 2))
    assert stage.has(digits_part, items)
    assert [row.name for row in rows] == [item.name for item in items]
    for item in items:
        Path(item.path).write_bytes(b"changed meanwhile")
    shutil.rmtree(Path(items[0].path).parent)
    found = zip(rows, stage.files(digits_part, stage.rows(digits_part)), strict=True)
    assert all(len(data) == row.size and data.startswith(b"\x89PNG") for row, data in found)
    assert not stage.has(digits_part, items)  # for the source is another one now


def test_a_file_that_fails_for_a_moment_is_not_settled(items, stage, monkeypatch):
    read = Item.read

    def failing(item):
        if item == items[3]:
            raise OSError(5, "Input/output error")
        return read(item)

    monkeypatch.setattr(Item, "read", failing)
    (part,) = find_parts(items, 1)
    rows = list(stage.fill(items, [part], 1))
    assert [row.reason for row in rows if row.reason] == ["Input/output error"]
    assert not is_settled(part, items, rows)
    assert not stage.has(part, items)


def test_a_file_that_is_absent_is_settled_until_it_comes(items, stage):
    content = Path(items[3].path).read_bytes()
    Path(items[3].path).unlink()
    (part,) = find_parts(items, 1)
    rows = list(stage.fill(items, [part], 1))
    assert is_settled(part, items, rows)
    Path(items[3].path).write_bytes(content)
    assert not is_settled(part, items, rows)


def test_too_many_open_files_are_no_fault_of_an_image(items, stage, monkeypatch):
    def failing(item):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(Item, "read", failing)
    with pytest.raises(EnvironmentFault, match=r"cannot be read \(Too many open files\)"):
        list(stage.fill(items, find_parts(items, 1), 1))


@pytest.mark.parametrize("suffix", [".json", ".bytes"])
@pytest.mark.parametrize("harm", ["flipped", "cut"])
def test_a_damaged_stage_is_read_again(items, stage, tmp_path, suffix, harm):
    (part,) = find_parts(items, 1)
    list(stage.fill(items, [part], 1))
    (file,) = (tmp_path / "stage").glob(f"*{suffix}")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content if harm == "flipped" else content[: len(content) // 2])
    if stage.has(part, items):  # a bit of a file is noticed when it is used
        with pytest.raises(EnvironmentFault, match="is not what was written a moment ago"):
            list(stage.files(part, stage.rows(part)))
    assert not stage.has(part, items)


def test_fingerprints_are_found_again_and_damaged_ones_are_unknown(items, stage, tmp_path):
    (part,) = find_parts(items, 1)
    rows = list(stage.fill(items, [part], 1))
    file = tmp_path / "fingerprints.txt"
    Fingerprints(file).replace([(part.stamp, content_of(rows)), ("other", b"content")])
    known = Fingerprints(file)
    assert (known.read(part.stamp), known.read("other")) == (content_of(rows), b"content")
    assert "absent" not in known
    content = bytearray(file.read_bytes())
    content[200] ^= 1
    file.write_bytes(content[:-1])
    known = Fingerprints(file)
    assert part.stamp not in known
    assert "other" not in known
