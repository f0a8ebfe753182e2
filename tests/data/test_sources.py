import json
import os
import shutil
import unicodedata
from pathlib import Path

import pytest
from picture_helpers import without_permission
from PIL import Image

from study_classification.data.items import Item
from study_classification.data.sources import (
    absolute_source,
    list_digits,
    list_folder,
    list_manifest,
    list_source,
    numbers_of,
)
from study_classification.errors import DataError
from study_classification.runs import directory
from study_classification.system.files import make_output


def image(file: Path, colour=(10, 20, 30)) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), colour).save(file, "png")
    return file


def names(listing):
    return [(item.name, item.label, item.split) for item in listing.items]


def test_a_plain_folder(tmp_path):
    for name in ("dog/b.png", "cat/deep/er/a.PNG", "cat/without_extension"):
        image(tmp_path / name)
    for name in (
        ".DS_Store",
        "cat/.hidden.png",
        ".ipynb_checkpoints/x.png",
        "cat/Thumbs.db",
        "cat/notes.txt",
        "top.png",
    ):
        image(tmp_path / name) if name.endswith("png") else _text(tmp_path / name)
    (tmp_path / "empty").mkdir()
    listing = list_folder(tmp_path)
    assert names(listing) == [
        ("cat/deep/er/a.PNG", "cat", None),
        ("cat/without_extension", "cat", None),
        ("dog/b.png", "dog", None),
    ]
    assert listing.class_names == ("cat", "dog")
    assert set(listing.hidden) == {".DS_Store", ".ipynb_checkpoints", "cat/.hidden.png", "cat/Thumbs.db"}
    assert listing.not_images == ("cat/notes.txt",)
    assert listing.without_class == ("top.png",)
    assert listing.empty_classes == ("empty",)


def _text(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("no picture")


def test_a_damaged_image_is_still_one_by_its_ending(tmp_path):
    _text(tmp_path / "cat" / "damaged.JPG")
    assert names(list_folder(tmp_path)) == [("cat/damaged.JPG", "cat", None)]


def test_names_keep_their_form_but_for_decomposition(tmp_path):
    image(tmp_path / "ﾈｺ" / "1.png")
    assert list_folder(tmp_path).class_names == ("ﾈｺ",)


@pytest.mark.parametrize("validation", ["validation", "val", "valid", "Val", "VALIDATION"])
def test_split_folders(tmp_path, validation):
    for name in ("train/cat/1.png", f"{validation}/cat/2.png", "test/dog/3.png"):
        image(tmp_path / name)
    assert {(label, split) for _, label, split in names(list_folder(tmp_path))} == {
        ("cat", "train"),
        ("cat", "validation"),
        ("dog", "test"),
    }


def test_split_folders_beside_others_are_ambiguous(tmp_path):
    for name in ("train/cat/1.png", "cats/2.png"):
        image(tmp_path / name)
    with pytest.raises(DataError, match=r"both split folders \(train\) and 'cats'"):
        list_folder(tmp_path)


def test_classes_may_be_called_like_splits_other_than_train(tmp_path):
    for name in ("test/1.png", "real/2.png"):
        image(tmp_path / name)
    assert list_folder(tmp_path).class_names == ("real", "test")


def test_decomposed_japanese_names_are_one_class(tmp_path):
    image(tmp_path / unicodedata.normalize("NFD", "ガーデン") / "1.png")
    image(tmp_path / unicodedata.normalize("NFC", "ガーデン") / "2.png")
    assert list_folder(tmp_path).class_names == (unicodedata.normalize("NFC", "ガーデン"),)


def test_names_that_differ_in_outer_blanks_are_one_class_and_that_is_said(tmp_path):
    for name in ("train/cat /1.png", "train/cat/2.png", "test/cat/3.png", "train/Dog/4.png", "train/dog/5.png"):
        image(tmp_path / name)
    listing = list_folder(tmp_path)
    assert listing.class_names == ("Dog", "cat", "dog")
    assert listing.merged_classes == ("'cat' = 'cat '",)
    assert listing.findings()["similar_classes"] == ["'Dog' / 'dog'"]


@pytest.mark.parametrize(
    ("one", "other"), [("new york", "New  York"), ("ﾈｺ", "ネコ"), ("cat", "c\u200bat"), ("straße", "STRASSE")]
)
def test_class_names_that_look_alike_are_told(tmp_path, one, other):
    for name in (one, other, "dog"):
        image(tmp_path / name / "1.png")
    listing = list_folder(tmp_path)
    assert len(listing.class_names) == 3 and listing.merged_classes == ()
    assert listing.findings()["similar_classes"] == [" / ".join(sorted((f"'{one}'", f"'{other}'")))]


def test_a_blank_class_name_is_refused(tmp_path):
    image(tmp_path / " " / "1.png")
    with pytest.raises(DataError, match="a class folder whose name is blank: rename it"):
        list_folder(tmp_path)


def test_names_of_any_bytes_are_listed_as_text(tmp_path):
    for name in (b"d\xe9g/caf\xe9.png", b"cat/a\nb.png"):
        image(tmp_path / os.fsdecode(name))
    listing = list_folder(tmp_path)
    assert names(listing) == [("cat/a\\x0ab.png", "cat", None), ("d\\xe9g/caf\\xe9.png", "d\\xe9g", None)]
    assert all(item.read() for item in listing.items)


def test_two_names_that_are_written_alike_are_refused(tmp_path):
    for name in (b"caf\xe9.png", b"caf\\xe9.png"):
        image(tmp_path / "cat" / os.fsdecode(name))
    with pytest.raises(DataError, match="two files whose names are both written"):
        list_folder(tmp_path)


def test_the_order_is_that_of_the_whole_names(tmp_path):
    for name in ("dog/1.png", "dog small/1.png", "dog-big/1.png", "dog/a/1.png"):
        image(tmp_path / name)
    found = [item.name for item in list_folder(tmp_path).items]
    assert found == sorted(found) and len(found) == 4


def test_only_regular_files_are_opened(tmp_path):
    image(tmp_path / "cat" / "1.png")
    for name in ("pipe", "pipe.jpg"):
        os.mkfifo(tmp_path / "cat" / name)
    (tmp_path / "cat" / "device.png").symlink_to("/dev/zero")
    (tmp_path / "cat" / "nowhere.png").symlink_to("/nowhere")
    (tmp_path / "cat" / "itself.png").symlink_to("itself.png")
    listing = list_folder(tmp_path)
    assert [item.name for item in listing.items] == ["cat/1.png", "cat/itself.png", "cat/nowhere.png"]
    assert set(listing.special_files) == {"cat/pipe", "cat/pipe.jpg", "cat/device.png"}
    os.mkfifo(tmp_path / "now_a_pipe.png")
    with pytest.raises(OSError, match="it is a pipe, not a file"):
        Item("a", "cat", path=tmp_path / "now_a_pipe.png").read()


def test_run_directories_are_passed_over(tmp_path):
    image(tmp_path / "cat" / "1.png")
    for folder in ("runs/one", "two", "cat/three"):
        image(tmp_path / folder / "curves.png")
        for name in ("config.json", "classes.json"):
            (tmp_path / folder / name).touch()
    listing = list_folder(tmp_path)
    assert names(listing) == [("cat/1.png", "cat", None)]
    assert listing.run_directories == ("cat/three", "runs/one", "two")
    assert (listing.empty_classes, listing.without_class) == ((), ())
    with pytest.raises(DataError, match="two is a run directory, which a training has written"):
        list_folder(tmp_path / "two")


def test_a_directory_in_which_no_run_has_begun_yet_is_passed_over(tmp_path):
    image(tmp_path / "cat" / "1.png")
    directory.make(tmp_path / "runs" / "one")
    image(tmp_path / "runs" / "one" / "lr_find.png")
    listing = list_folder(tmp_path)
    assert names(listing) == [("cat/1.png", "cat", None)]
    assert (listing.run_directories, listing.empty_classes) == (("runs/one",), ())


def test_what_was_drawn_is_no_data(tmp_path):
    image(tmp_path / "cat" / "1.png")
    drawn, old = tmp_path / "cat" / "explained", tmp_path / "dog"
    image(old / "2.png")
    for folder in (drawn, old):
        make_output(folder)
        image(folder / "contact.png")
    listing = list_folder(tmp_path)
    assert [item.name for item in listing.items] == ["cat/1.png", "dog/2.png", "dog/contact.png"]
    assert listing.run_directories == ("cat/explained",)
    with pytest.raises(DataError, match=r"explained has been made by this program.*give a folder of data, or remove"):
        list_folder(drawn)
    for name in ("config.json", "classes.json"):
        (drawn / name).touch()
    with pytest.raises(DataError, match="explained is a run directory"):
        list_folder(drawn)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["train_set/cat/1.png", "train_set/dog/2.png", "test_set/cat/3.png", "test_set/dog/4.png", "one/5.png"],
         r"test_set, train_set hold no pictures themselves, but the same folders \(cat, dog\), so they look like"),
        (["val/cat/1.png", "val/dog/2.png", "test/cat/3.png", "test/dog/4.png"], "look like splits"),
        (["photos/cat/1.png", "photos/dog/2.png", "stray.png"], "give .*root/photos as the data source"),
        (["a/b/train/cat/1.png", "a/b/test/cat/2.png"], "give .*root/a/b as the data source"),
    ],
)  # fmt: skip
def test_folders_above_the_classes_are_no_classes(tmp_path, files, message):
    for name in files:
        image(tmp_path / "root" / name)
    with pytest.raises(DataError, match=message):
        list_folder(tmp_path / "root")


@pytest.mark.parametrize(
    ("files", "alike"),
    [
        (["a/cat/1.png", "a/dog/2.png", "b/cat/3.png", "b/dog/4.png"], ("a", "b")),
        (["a/cat/1.png", "a/dog/2.png", "b/cat/3.png", "b/dog/4.png", "b/5.png"], ()),
        (["a/cat/1.png", "a/dog/2.png", "b/cat/3.png"], ()),
        (["a/images/1.png", "b/images/2.png"], ()),
    ],
)
def test_folders_that_may_be_splits_are_told(tmp_path, files, alike):
    for name in files:
        image(tmp_path / name)
    listing = list_folder(tmp_path)
    assert (listing.class_names, listing.look_like_splits) == (("a", "b"), alike)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["test/cat/1.png", "test/dog/2.png"], {("cat", "test"), ("dog", "test")}),
        (["val/cat/1.png", "Test/cat/2.png"], {("cat", "validation"), ("cat", "test")}),
        (["test/1.png", "val/2.png"], {("test", None), ("val", None)}),
        (["test/a/1.png", "dog/2.png"], {("test", None), ("dog", None)}),
        (["photos/cat/1.png"], {("photos", None)}),
    ],
)
def test_data_to_be_measured_need_no_training_folder(tmp_path, files, expected):
    for name in files:
        image(tmp_path / name)
    found = list_folder(tmp_path, for_training=False)
    assert {(label, split) for _, label, split in names(found)} == expected


def test_images_beside_the_class_folders_of_a_split_have_no_class(tmp_path):
    for name in ("train/cat/1.png", "test/2.png", "3.png"):
        image(tmp_path / name)
    assert list_folder(tmp_path).without_class == ("3.png", "test/2.png")


def test_a_link_is_followed_wherever_it_stands(tmp_path):
    image(tmp_path / "shared" / "cat" / "1.png")
    image(tmp_path / "root" / "train" / "cat" / "2.png")
    for name in ("val", "test"):
        (tmp_path / "root" / name).symlink_to("../shared")
    assert names(list_folder(tmp_path / "root")) == [
        ("test/cat/1.png", "cat", "test"),
        ("train/cat/2.png", "cat", "train"),
        ("val/cat/1.png", "cat", "validation"),
    ]


def test_links_are_followed_but_not_in_circles(tmp_path):
    image(tmp_path / "elsewhere" / "1.png")
    (tmp_path / "root" / "cat").mkdir(parents=True)
    (tmp_path / "root" / "cat" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "cat" / "loop").symlink_to(tmp_path / "root")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "elsewhere")
    listing = list_folder(tmp_path / "root")
    assert names(listing) == [("cat/more/1.png", "cat", None)]
    assert listing.endless_links == ("cat/loop", "cat/more/back")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, "has no class folders: make one folder for each class"),
        (lambda root: image(root / "cat.png"), "has no class folders"),
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
    assert Path(listing.items[0].path) == tmp_path / "a" / "1.png"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\nx,y", "must name the columns path and label"),
        ("path,label\nx,", "line 2: path and label are both needed"),
        ('path,label\n\n"x,a\ny,b\nz,c', "line 3: the row that begins there is no CSV"),
        ("path,label\nx,a\n" + '"x,a\n' + "y,b\n" * 50000, "line 3: the row that begins there"),
        ("path,label\na,b.png,cat", "line 2: the row has more cells"),
        ("path,label,label\nx,a,b", "the column label twice"),
        ("path,label\nx\0,a", "it holds zero bytes"),
        ("path,label\n~nosuchuser/x,a", "line 2: the path '~nosuchuser/x' begins with ~nosuchuser"),
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


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_manifests_of_other_systems(tmp_path, end, separator, encoding):
    lines = ["", "path,label,note,,", "a\\1.png, 猫 ,=1,,", "", ",,,,", "b/2.png,dog"]
    text = end.join(line.replace(",", separator) for line in lines)
    (tmp_path / "m.csv").write_bytes(text.encode(encoding))
    for name in ("a/1.png", "b/2.png"):
        image(tmp_path / name)
    listing = list_manifest(tmp_path / "m.csv")
    assert names(listing) == [("a\\1.png", "猫", None), ("b/2.png", "dog", None)]
    assert all(item.read() for item in listing.items)


def test_a_name_with_a_backslash_stays_where_there_is_such_a_file(tmp_path):
    image(tmp_path / "a\\1.png")
    (tmp_path / "m.csv").write_text("path,label\na\\1.png,cat\n")
    assert list_manifest(tmp_path / "m.csv").items[0].read()


def test_names_that_are_no_utf_8_are_found_but_labels_are_refused(tmp_path):
    image(tmp_path / os.fsdecode(b"caf\xe9.png"))
    (tmp_path / "m.csv").write_bytes(b"path,label\ncaf\xe9.png,cat\n")
    listing = list_manifest(tmp_path / "m.csv")
    assert names(listing) == [("caf\\xe9.png", "cat", None)] and listing.items[0].read()
    for row in (b"caf\xe9.png,c\xe2t", b"absent\xe9.png,cat"):
        (tmp_path / "m.csv").write_bytes(b"path,label\n" + row)
        with pytest.raises(DataError, match="line 2: it is no UTF-8 text"):
            list_manifest(tmp_path / "m.csv")


@pytest.mark.parametrize(
    ("label", "expected"),
    [("0", "0"), ("-1", "-1"), ("1.5", "1.5"), ("true", "true"), ("false", "false"), ('"x"', "x")],
)
def test_labels_of_json_are_taken_as_they_stand(tmp_path, label, expected):
    (tmp_path / "m.jsonl").write_text(f'{{"path": "a.png", "label": {label}, "boxes": [1]}}')
    assert names(list_manifest(tmp_path / "m.jsonl")) == [("a.png", expected, None)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"path": "a", "label": null}', "line 2: path and label are both needed"),
        ('{"path": "a", "label": NaN}', "line 2: path and label are both needed"),
        ('{"label": "a"}', "line 2: path and label are both needed"),
        ('{"path": "a", "label": ["cat"]}', "line 2: label is a list"),
        ('{"path": "a\\u0000", "label": "cat"}', "line 2: the path 'a.x00' holds a character"),
        ('{"path": "a\\ud800", "label": "cat"}', "line 2: the path 'a.ud800' holds a character"),
        ("[" * 100000, "line 2: it is no JSON object"),
        ("null", "line 2: it is no JSON object"),
    ],
)
def test_odd_lines_of_json_are_one_sentence(tmp_path, row, message):
    (tmp_path / "m.jsonl").write_text('{"path": "\u2028b.png", "label": "cat"}\n' + row, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        list_manifest(tmp_path / "m.jsonl")


def test_a_manifest_may_give_splits_and_groups(tmp_path):
    lines = ["path,label,split,group", "b.png,dog,train,p1", "a.png,cat,Test,p2", "c.png,cat,train,"]
    (tmp_path / "m.csv").write_text("\n".join(lines))
    listing = list_manifest(tmp_path / "m.csv")
    assert names(listing) == [("a.png", "cat", "test"), ("b.png", "dog", "train"), ("c.png", "cat", "train")]
    assert listing.groups == {"a.png": "p2", "b.png": "p1"}


def test_digits_are_no_folder_even_where_one_is_called_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert absolute_source("digits") == "digits"


def test_a_manifest_tells_labels_that_are_one(tmp_path):
    (tmp_path / "m.csv").write_text(f"path,label\n1.png,é\n2.png,{unicodedata.normalize('NFD', 'é')}\n", "utf-8")
    listing = list_manifest(tmp_path / "m.csv")
    assert listing.class_names == ("é",) and len(listing.merged_classes) == 1


@pytest.mark.parametrize(("name", "message"), [("m.zip", "neither .csv nor .jsonl"), ("pipe.csv", "neither file nor")])
def test_what_is_no_manifest_is_not_read(tmp_path, name, message):
    (tmp_path / "m.zip").write_bytes(b"PK\xff")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match=message):
        list_source(str(tmp_path / name))


def test_a_source_may_begin_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    image(tmp_path / "photos" / "cat" / "1.png")
    assert list_source("~/photos") == list_folder(tmp_path / "photos")
    assert absolute_source("~/photos") == str(tmp_path / "photos")


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


def test_digits_are_real_images():
    listing = list_digits()
    assert len(listing.items) == 1797
    assert listing.class_names == tuple("0123456789")
    import io

    with Image.open(io.BytesIO(listing.items[0].read())) as image:
        assert (image.size, image.mode, image.getextrema()) == ((8, 8), "L", (0, 239))


def test_nothing_is_written_into_the_folder(tmp_path):
    file = image(tmp_path / "cat" / "1.png")
    before = os.stat(file).st_mtime_ns, sorted(os.listdir(tmp_path))
    list_folder(tmp_path)
    assert (os.stat(file).st_mtime_ns, sorted(os.listdir(tmp_path))) == before


def test_a_folder_on_a_bucket_is_listed_as_one_of_this_machine(bucket, tmp_path):
    names = ["cat/a.png", "cat/deep/b.jpg", "dog/c.png", "dog/notes.txt", ".git/x.png", "c.png", "cat/Thumbs.db"]
    names += ["runs/1/config.json", "runs/1/classes.json", "runs/1/curves.png", "dog/.hidden/d.png"]
    for name in names:
        bucket[f"bucket/data/{name}"] = b"x"
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    bucket["bucket/data/cat/"] = b""  # as some programs mark a folder
    there, here = list_source("gs://bucket/data"), list_source(str(tmp_path))
    assert [item[:3] for item in there.items] == [item[:3] for item in here.items]
    assert there.findings() == here.findings()
    assert there.items[0].path == "gs://bucket/data/cat/a.png"
    assert there.items[0].read() == b"x"


def test_a_manifest_may_name_images_on_a_bucket(bucket, tmp_path):
    (tmp_path / "m.csv").write_text("path,label\ngs://bucket/a.png,a\nb.png,b\n")
    bucket["bucket/m.csv"] = (tmp_path / "m.csv").read_bytes()
    here, there = list_source(str(tmp_path / "m.csv")), list_source("gs://bucket/m.csv")
    assert [item.path for item in here.items] == [str(tmp_path / "b.png"), "gs://bucket/a.png"]
    assert [item.path for item in there.items] == ["gs://bucket/b.png", "gs://bucket/a.png"]


def test_labels_that_are_numbers():
    assert numbers_of("x.csv", ["-1.5", "2e3", "07"]) == {"-1.5": -1.5, "2e3": 2000.0, "07": 7.0}


@pytest.mark.parametrize("label", ["old", "1,5", "nan", "inf", "1_000", "1e39", "12 years"])
def test_labels_that_are_no_numbers(label):
    with pytest.raises(DataError, match=rf"the label '{label}' of x.csv is no number, but task.name is regression"):
        numbers_of("x.csv", ["1", label])


def test_some_of_the_digits():
    two = list_source("digits:3, 8")
    assert two.class_names == ("3", "8") and len(two.items) == 183 + 174
    rare = list_source("digits:8,rest")
    labels = [item.label for item in rare.items]
    assert (labels.count("8"), labels.count("rest")) == (174, 1797 - 174)
    assert {item.name.split("/")[0] for item in rare.items if item.label == "rest"} == set("012345679")
    assert absolute_source("digits:3,8") == "digits:3,8"
    with pytest.raises(DataError, match="the data source 'digits:3,x' names 'x': give digits and rest, such as"):
        list_source("digits:3,x")


def test_a_class_whose_folder_cannot_be_read_is_not_left_out(tmp_path, monkeypatch):
    for name in ("a/1.png", "b/1.png", "c/1.png"):
        image(tmp_path / name)
    without_permission(monkeypatch, tmp_path / "b")
    with pytest.raises(DataError, match=f"the folder {tmp_path / 'b'} cannot be read: Permission denied"):
        list_folder(tmp_path)
