"""Arrays are kept complete or not at all, whoever else writes them and whatever fails."""

import json

import numpy as np
import pytest

from study_classification.errors import EnvironmentFault
from study_classification.system.array_cache import cached_arrays
from study_classification.system.entries import SEAL

IDENTITY = ["digits", 3, {"size": 8}]


def squares(create):
    create("squares", np.float32, (2, 2))[:] = [[0, 1], [4, 9]]
    create("label", np.int32, (2,))[:] = [5, 6]


def unneeded(create):
    pytest.fail("what is there was computed again")


def assert_squares(arrays):
    assert {name: (array.dtype, array.tolist()) for name, array in arrays.items()} == {
        "squares": (np.float32, [[0, 1], [4, 9]]),
        "label": (np.int32, [5, 6]),
    }


def test_arrays_are_computed_once_and_read_back(tmp_path):
    parent = tmp_path / "not" / "there yet"
    assert_squares(cached_arrays(parent, IDENTITY, squares))
    assert_squares(cached_arrays(parent, IDENTITY, unneeded))
    (folder,) = parent.iterdir()  # nothing temporary beside it
    assert {file.name for file in folder.iterdir()} == {"squares.npy", "label.npy", "identity.json", SEAL}
    assert json.loads((folder / "identity.json").read_text()) == IDENTITY


def test_arrays_are_mapped_and_cannot_be_written(tmp_path):
    for fill in (squares, unneeded):
        array = cached_arrays(tmp_path, IDENTITY, fill)["squares"]
        assert isinstance(array, np.memmap)
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 7


@pytest.mark.parametrize("other", [["digits", 3, {"size": 9}], ["digits", 4, {"size": 8}], ["digits", 3], []])
def test_another_identity_has_arrays_of_its_own(tmp_path, other):
    cached_arrays(tmp_path, IDENTITY, squares)
    found = cached_arrays(tmp_path, other, lambda create: create("ones", np.int8, (1,)).fill(1))
    assert found.keys() == {"ones"}
    assert_squares(cached_arrays(tmp_path, IDENTITY, unneeded))
    assert len(list(tmp_path.iterdir())) == 2


def test_while_they_are_computed_nobody_finds_them(tmp_path):
    def fill(create):
        squares(create)
        assert not [path for path in tmp_path.iterdir() if not path.name.startswith(".")]

    cached_arrays(tmp_path, IDENTITY, fill)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_failure_leaves_nothing_and_the_next_time_begins_anew(tmp_path, error):
    def failing(create):
        create("squares", np.float32, (2, 2))[0] = 1
        raise error

    with pytest.raises(error):
        cached_arrays(tmp_path, IDENTITY, failing)
    assert list(tmp_path.iterdir()) == []
    assert_squares(cached_arrays(tmp_path, IDENTITY, squares))


def test_of_two_writers_the_first_one_to_end_is_kept(tmp_path):
    def overtaken(create):
        squares(create)
        cached_arrays(tmp_path, IDENTITY, lambda create: create("of the other", np.int8, (1,)).fill(3))

    assert {name: array.tolist() for name, array in cached_arrays(tmp_path, IDENTITY, overtaken).items()} == {
        "of the other": [3]
    }
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["squares.npy", "label.npy", "identity.json", SEAL])
@pytest.mark.parametrize("harm", ["flipped", "cut", "emptied", "removed"])
def test_damaged_arrays_are_computed_again(tmp_path, capsys, name, harm):
    cached_arrays(tmp_path, IDENTITY, squares)
    (folder,) = tmp_path.iterdir()
    content = bytearray((folder / name).read_bytes())
    content[-3] ^= 1
    match harm:
        case "flipped":
            (folder / name).write_bytes(content)
        case "cut":
            (folder / name).write_bytes(content[:-3])
        case "emptied":
            (folder / name).write_bytes(b"")
        case "removed":
            (folder / name).unlink()
    computed = []
    assert_squares(cached_arrays(tmp_path, IDENTITY, lambda create: (squares(create), computed.append(1))))
    assert computed
    assert "is damaged" in capsys.readouterr().out
    assert_squares(cached_arrays(tmp_path, IDENTITY, unneeded))


def test_space_is_taken_before_anything_is_written(tmp_path):
    def fill(create):
        array = create("large", np.uint8, (3, (1 << 20) + 5))
        (file,) = tmp_path.glob(".*/large.npy")
        assert file.stat().st_blocks * 512 >= array.nbytes
        assert file.stat().st_size == 128 + array.nbytes  # behind a header of NumPy's
        assert not array.any()

    cached_arrays(tmp_path, IDENTITY, fill)


def test_without_fallocate_zeros_take_the_space(tmp_path, monkeypatch):
    monkeypatch.delattr("os.posix_fallocate")
    test_space_is_taken_before_anything_is_written(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EnvironmentFault, match=r"/file/cache cannot be written \(Not a directory\).*data\.cache_dir"):
        cached_arrays(tmp_path / "file" / "cache", IDENTITY, squares)


def test_a_disk_that_becomes_full_is_named_and_nothing_is_left(tmp_path):
    def failing(create):
        squares(create)
        raise OSError(28, "No space left on device")

    with pytest.raises(EnvironmentFault, match=r"cannot be written \(No space left on device\): free space there"):
        cached_arrays(tmp_path, IDENTITY, failing)
    assert list(tmp_path.iterdir()) == []
