import json
import os
import shutil
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from study_classification.data.sources import list_digits, list_folder, list_manifest, list_source
from study_classification.errors import DataError


def picture(file: Path, colour=(10, 20, 30)) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), colour).save(file, "png")
    return file


def names(listing):
    return [(item.name, item.label, item.split) for item in listing.items]


def test_a_plain_folder(tmp_path):
    for name in ("dog/b.png", "cat/deep/er/a.PNG", "cat/without_extension"):
        picture(tmp_path / name)
    for name in (
        ".DS_Store",
        "cat/.hidden.png",
        ".ipynb_checkpoints/x.png",
        "cat/Thumbs.db",
        "cat/notes.txt",
        "top.png",
    ):
        picture(tmp_path / name) if name.endswith("png") else _text(tmp_path / name)
    (tmp_path / "empty").mkdir()
    listing = list_folder(tmp_path)
    assert names(listing) == [
        ("cat/deep/er/a.PNG", "cat", None),
        ("cat/without_extension", "cat", None),
        ("dog/b.png", "dog", None),
    ]
    assert listing.class_names == ("cat", "dog")
    assert set(listing.hidden) == {".DS_Store", ".ipynb_checkpoints", "cat/.hidden.png", "cat/Thumbs.db"}
    assert listing.not_pictures == ("cat/notes.txt",)
    assert listing.without_class == ("top.png",)
    assert listing.empty_classes == ("empty",)


def _text(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("no picture")


def test_a_damaged_picture_is_still_one_by_its_ending(tmp_path):
    _text(tmp_path / "cat" / "damaged.JPG")
    assert names(list_folder(tmp_path)) == [("cat/damaged.JPG", "cat", None)]


def test_names_keep_their_form_but_for_decomposition(tmp_path):
    picture(tmp_path / "ﾈｺ" / "1.png")
    assert list_folder(tmp_path).class_names == ("ﾈｺ",)


@pytest.mark.parametrize("validation", ["validation", "val", "valid", "Val", "VALIDATION"])
def test_split_folders(tmp_path, validation):
    for name in ("train/cat/1.png", f"{validation}/cat/2.png", "test/dog/3.png"):
        picture(tmp_path / name)
    assert {(label, split) for _, label, split in names(list_folder(tmp_path))} == {
        ("cat", "train"),
        ("cat", "validation"),
        ("dog", "test"),
    }


def test_split_folders_beside_others_are_ambiguous(tmp_path):
    for name in ("train/cat/1.png", "cats/2.png"):
        picture(tmp_path / name)
    with pytest.raises(DataError, match=r"both split folders \(train\) and 'cats'"):
        list_folder(tmp_path)


def test_classes_may_be_called_like_splits_other_than_train(tmp_path):
    for name in ("test/1.png", "real/2.png"):
        picture(tmp_path / name)
    assert list_folder(tmp_path).class_names == ("real", "test")


def test_decomposed_japanese_names_are_one_class(tmp_path):
    picture(tmp_path / unicodedata.normalize("NFD", "ガーデン") / "1.png")
    picture(tmp_path / unicodedata.normalize("NFC", "ガーデン") / "2.png")
    assert list_folder(tmp_path).class_names == (unicodedata.normalize("NFC", "ガーデン"),)


def test_links_are_followed_but_not_in_circles(tmp_path):
    picture(tmp_path / "elsewhere" / "1.png")
    (tmp_path / "root" / "cat").mkdir(parents=True)
    (tmp_path / "root" / "cat" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "cat" / "loop").symlink_to(tmp_path / "root")
    assert names(list_folder(tmp_path / "root")) == [("cat/more/1.png", "cat", None)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, "has no class folders: make one folder for each class"),
        (lambda root: picture(root / "cat.png"), "has no class folders"),
        (lambda root: (root / "cat").mkdir(), "has class folders \\(cat\\) but no pictures"),
        (lambda root: shutil.rmtree(root), "does not exist"),
    ],
)
def test_unusable_folders_say_what_to_do(tmp_path, make, message):
    root = tmp_path / "root"
    root.mkdir()
    make(root)
    with pytest.raises(DataError, match=message):
        list_source(str(root))


def test_manifests_in_both_formats_agree(tmp_path):
    rows = [("a/1.png", "猫", "train"), ("b 2.png", "dog", "val")]
    (tmp_path / "m.csv").write_text("path,label,split\n" + "\n".join(map(",".join, rows)), encoding="utf-8-sig")
    lines = [json.dumps(dict(zip(("path", "label", "split"), row, strict=True)), ensure_ascii=False) for row in rows]
    (tmp_path / "m.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    listing = list_manifest(tmp_path / "m.csv")
    assert listing == list_source(str(tmp_path / "m.jsonl"))
    assert names(listing) == [("a/1.png", "猫", "train"), ("b 2.png", "dog", "validation")]
    assert listing.items[0].path == tmp_path / "a" / "1.png"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\nx,y", "must name the columns path and label"),
        ("path,label\nx,", "line 2: path and label are both needed"),
        ("path,label\nx,a\nx,b", "line 3: x stands in line 2 already"),
        ("path,label,split\nx,a,tset", "line 2: the split 'tset' is none of"),
        ("path,label,split\nx,a,train\ny,a,", "line 3: it has no split, but other lines have one"),
        ("path,label\n", "lists no pictures"),
    ],
)
def test_wrong_manifests_name_the_line(tmp_path, text, message):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        list_manifest(tmp_path / "m.csv")


def test_a_manifest_is_sorted_by_name_and_its_classes_by_theirs(tmp_path):
    (tmp_path / "m.csv").write_text("path,label\nb.png,cat\na.png,dog\n")
    listing = list_manifest(tmp_path / "m.csv")
    assert names(listing) == [("a.png", "dog", None), ("b.png", "cat", None)]
    assert listing.class_names == ("cat", "dog")


@pytest.mark.parametrize("wrong", ["[1]", "{"])
def test_wrong_lines_of_json_are_counted_from_1(tmp_path, wrong):
    (tmp_path / "m.jsonl").write_text('{"path": "a.png", "label": "cat"}\n\n' + wrong)
    with pytest.raises(DataError, match="line 3: it is no JSON object"):
        list_manifest(tmp_path / "m.jsonl")


def test_digits_are_real_pictures():
    listing = list_digits()
    assert len(listing.items) == 1797
    assert listing.class_names == tuple("0123456789")
    import io

    with Image.open(io.BytesIO(listing.items[0].read())) as image:
        assert (image.size, image.mode, image.getextrema()) == ((8, 8), "L", (0, 239))


def test_nothing_is_written_into_the_folder(tmp_path):
    file = picture(tmp_path / "cat" / "1.png")
    before = os.stat(file).st_mtime_ns, sorted(os.listdir(tmp_path))
    list_folder(tmp_path)
    assert (os.stat(file).st_mtime_ns, sorted(os.listdir(tmp_path))) == before
