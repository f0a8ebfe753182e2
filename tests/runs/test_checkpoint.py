import json
import os
import shutil

import numpy as np
import pytest

from study_classification.errors import EnvironmentFault, RunError
from study_classification.runs import checkpoint
from study_classification.runs.checkpoint import DamagedError

PARTS = {"model": {"params": {"w": np.arange(6, dtype=np.float32)}}, "training": {"step": np.array(7, np.int32)}}
BESIDE = {"history": {"epochs": [0.1, 0.2]}}


@pytest.fixture(scope="module")
def _written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written") / "7"
    checkpoint.begin_writing(folder, PARTS, BESIDE, best=True)()
    return folder


@pytest.fixture
def written(_written, tmp_path):
    return shutil.copytree(_written, tmp_path / "7")


def test_what_is_written_is_read(written):
    record, loaded = checkpoint.load(written, PARTS)
    assert (record.step, record.best, record.beside) == (7, True, BESIDE)
    np.testing.assert_array_equal(loaded["model"]["params"]["w"], PARTS["model"]["params"]["w"])
    assert loaded["training"]["step"] == 7
    checkpoint.verify(written)


def test_every_flipped_bit_is_noticed(written):
    """In any file but those of a part that is not asked for."""
    random = np.random.default_rng(0)
    files = sorted(path for path in written.rglob("*") if path.is_file() and path.stat().st_size)
    assert len(files) > 6
    for file in files:
        whole = file.read_bytes()
        place = int(random.integers(len(whole)))
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << random.integers(8)]) + whole[place + 1 :])
        with pytest.raises(DamagedError, match="is not what was written"):
            checkpoint.verify(written)
        if "training" in file.parts:
            checkpoint.load(written, {"model": PARTS["model"]})
        else:
            with pytest.raises(DamagedError, match="is not what was written"):
                checkpoint.load(written, {"model": PARTS["model"]})
        file.write_bytes(whole)
    checkpoint.verify(written)


@pytest.mark.parametrize("content", [b"", b"null", b"{}", b"[]", b"\xff\xfe", b'{"digest": 1}', b"nonsense"])
def test_a_damaged_record_is_noticed(written, content):
    (written / checkpoint.RECORD).write_bytes(content)
    with pytest.raises(DamagedError, match=r"checkpoint\.json is not what was written"):
        checkpoint.read_record(written)


def test_a_missing_file_is_named(written):
    (written / "model" / "_METADATA").unlink()
    with pytest.raises(DamagedError, match="model/_METADATA is missing"):
        checkpoint.load(written, PARTS)
    (written / checkpoint.RECORD).unlink()
    with pytest.raises(DamagedError, match="an earlier version of this program may have written it"):
        checkpoint.load(written, PARTS)


def test_a_lack_of_descriptors_is_no_damage(written, monkeypatch):
    def opened(*arguments, **keywords):
        raise OSError(24, "Too many open files", "x")

    monkeypatch.setattr(checkpoint, "_digest_of_file", opened)
    with pytest.raises(EnvironmentFault, match="too many open files"):
        checkpoint.load(written, PARTS)


def test_values_that_are_not_finite_are_no_good_checkpoint(tmp_path):
    parts = {"model": {"params": {"w": np.array([1, np.nan], np.float32)}}}
    checkpoint.begin_writing(tmp_path / "3", parts, {}, best=False)()
    for read in (checkpoint.verify, lambda folder: checkpoint.load(folder, parts)):
        with pytest.raises(DamagedError, match="params/w has values that are NaN or infinite"):
            read(tmp_path / "3")


def test_the_state_of_training_may_hold_what_is_not_finite(tmp_path):
    parts = PARTS | {"training": {"worst": np.array(np.inf, np.float32)}}
    checkpoint.begin_writing(tmp_path / "3", parts, {}, best=False)()
    assert checkpoint.load(tmp_path / "3", parts)[1]["training"]["worst"] == np.inf


def test_another_network_is_no_damage(written):
    with pytest.raises(RunError, match="of another network: params/w is 6 there and absent here"):
        checkpoint.load(written, {"model": {"params": {}}})
    with pytest.raises(RunError, match="of another network: params/w is 6 there and 5 here"):
        checkpoint.load(written, {"model": {"params": {"w": np.zeros(5, np.float32)}}})


def test_a_checkpoint_takes_the_place_of_one_of_the_same_step(written):
    other = PARTS | {"model": {"params": {"w": np.zeros(6, np.float32)}}}
    checkpoint.begin_writing(written, other, {}, best=False)()
    assert checkpoint.load(written, PARTS)[1]["model"]["params"]["w"].sum() == 0
    assert [path.name for path in written.parent.iterdir()] == ["7"]
    assert json.loads((written / checkpoint.RECORD).read_text())["best"] is False


@pytest.mark.parametrize("name", [checkpoint.RECORD, "model/_METADATA"])
def test_a_pipe_is_waited_for_by_nobody(written, name):
    (written / name).unlink()
    os.mkfifo(written / name)
    with pytest.raises(checkpoint.DamagedError, match="it is a pipe, not a file"):
        checkpoint.load(written, PARTS)
