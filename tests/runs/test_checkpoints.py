import os
import threading
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from study_classification.errors import EnvironmentFault, RunError
from study_classification.paths import user_path
from study_classification.runs import checkpoints
from study_classification.runs.checkpoints import load_latest, load_model, open_checkpoints, steps_in
from study_classification.system import devices
from study_classification.training.state import TrainState, init_state

SIDE = 1000  # an array that is not written at once
TINY = {"model": {"w": np.zeros(2, np.float32)}}


@pytest.fixture
def state() -> TrainState:
    variables = {"params": {"w": jnp.arange(SIDE * SIDE, dtype=jnp.float32).reshape(SIDE, SIDE)}, "batch_stats": {}}
    return init_state(variables, optax.sgd(0.1, momentum=0.9), {"w": True}, ("loss",))


@pytest.fixture
def kept(tmp_path) -> Path:
    """The checkpoints of a run: 10 was the best before 20 was; 30 and 40 were not."""
    folder = tmp_path / "checkpoints"
    with open_checkpoints(folder) as saved:
        for step in (10, 20, 30, 40):
            saved.save(step, parts_of(step), {"step": step}, best=step <= 20)
            saved.wait()
    return folder


def parts_of(value: float) -> dict:
    return {"model": {"w": np.full(2, value, np.float32)}, "training": {"m": np.full(3, value, np.float32)}}


def damage(folder: Path, part: str = "model") -> None:
    (folder / part / "_METADATA").write_text("{}")


def test_training_goes_on_in_the_arrays_that_are_being_written(state, tmp_path):
    train_step = jax.jit(lambda state: state.replace(params={"w": -state.params["w"]}), donate_argnums=0)
    expected = np.array(state.params["w"])
    with open_checkpoints(tmp_path) as saved:
        saved.save(0, state.parts(), {}, best=False)
        assert not steps_in(tmp_path)
        for _ in range(3):
            state = train_step(state)
    _, found = load_model(tmp_path, "last", devices.abstract(state.variables()))
    np.testing.assert_array_equal(found["params"]["w"], expected)
    np.testing.assert_array_equal(state.params["w"], -expected)


def test_the_last_two_and_the_best_are_kept(kept):
    assert steps_in(kept) == [20, 30, 40]


def test_saves_leave_nothing_open(tmp_path):
    def count():
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    with open_checkpoints(tmp_path) as saved:
        for step in range(12):
            saved.save(step, TINY, {}, best=False)
            saved.wait()
            if step == 3:
                before = count()
        assert count() == before


def test_of_saves_that_come_faster_than_they_are_written_the_last_and_the_best_are_written(tmp_path, monkeypatch):
    written, may_write = [], threading.Event()
    begin = checkpoints.begin_writing

    def noting(folder, *rest):
        may_write.wait()
        written.append(int(folder.name))
        return begin(folder, *rest)

    monkeypatch.setattr(checkpoints, "begin_writing", noting)
    with open_checkpoints(tmp_path) as saved:
        for step, best in ((1, True), (2, False), (3, True), (4, False), (5, False)):
            saved.save(step, TINY, {}, best)
            while step == 1 and saved._waiting:  # until it is being written
                pass
        may_write.set()
    assert written == [1, 3, 5]


def test_an_error_of_writing_is_raised_by_the_next_wait(tmp_path, monkeypatch):
    def full(*arguments):
        raise EnvironmentFault("no space")

    monkeypatch.setattr(checkpoints, "begin_writing", full)
    with pytest.raises(EnvironmentFault, match="no space"), open_checkpoints(tmp_path) as saved:
        saved.save(1, TINY, {}, best=False)


def test_what_a_killed_run_left_half_written_is_removed(kept):
    (kept / ".50").mkdir()
    (kept / ".50" / "model").write_text("half")
    with open_checkpoints(kept):
        pass
    assert sorted(path.name for path in kept.iterdir()) == ["20", "30", "40"]


def test_the_checkpoint_that_is_meant(kept):
    assert [load_model(kept, which, TINY["model"])[0] for which in ("best", "last", "20", "30")] == [20, 40, 20, 30]
    with pytest.raises(RunError, match=r"has no checkpoint '5': give best, last, or one of the steps 20, 30, 40$"):
        load_model(kept, "5", TINY["model"])


def test_no_checkpoint_yet(tmp_path):
    with pytest.raises(RunError, match="has no complete checkpoint yet"):
        load_model(tmp_path / "checkpoints", "best", TINY["model"])
    assert load_latest(tmp_path / "checkpoints", TINY) is None


@pytest.mark.parametrize("part", ["model", "training"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_taken(kept, part, capsys):
    damage(kept / "40", part)
    parts, beside = load_latest(kept, parts_of(0))
    assert (beside, parts["model"]["w"][0], parts["training"]["m"][0]) == ({"step": 30}, 30, 30)
    said = capsys.readouterr().out
    assert f"the checkpoint {kept / '40'} is damaged: {part}/_METADATA is not what was written" in said
    assert f"Taking {kept / '30'} instead" in said


@pytest.mark.parametrize("file", ["checkpoint.json", "model/_METADATA"])
def test_a_damaged_best_is_named_and_the_last_is_taken(kept, file, capsys):
    (kept / "20" / file).write_text("null")
    assert load_model(kept, "best", TINY["model"])[0] == 40
    assert f"the checkpoint {kept / '20'} is damaged: {file} is not" in capsys.readouterr().out


def test_a_damaged_checkpoint_that_was_asked_for_is_refused(kept):
    damage(kept / "30")
    with pytest.raises(RunError, match=r"30 is damaged: .*, or give another one: best, last, 20, 40$"):
        load_model(kept, "30", TINY["model"])


def test_where_all_are_damaged_all_are_named(kept):
    for step in (20, 30, 40):
        damage(kept / str(step))
    for read in (lambda: load_model(kept, "last", TINY["model"]), lambda: load_latest(kept, TINY)):
        with pytest.raises(RunError, match=r"40 is damaged: .*30 is damaged: .*20 is damaged: .*there is no other one"):
            read()


def test_the_last_good_checkpoint_has_been_read_back(kept):
    with open_checkpoints(kept) as saved:
        assert checkpoints.last_good(saved).endswith("is " + str(kept / "40"))
        damage(kept / "40", "training")
        saved.save(50, {"model": {"w": np.array([np.inf, 0], np.float32)}}, {}, best=False)
        assert checkpoints.last_good(saved).endswith("is " + str(kept / "20"))  # 30 was one too many
    assert steps_in(kept) == [20, 40, 50]
    for step in (20, 40):
        damage(kept / str(step))
    with open_checkpoints(kept) as saved:
        assert checkpoints.last_good(saved) == "none of the checkpoints is good"


def test_a_checkpoint_of_which_nothing_is_known_is_not_removed(kept):
    (kept / "20" / "checkpoint.json").unlink()
    with open_checkpoints(kept) as saved:
        saved.save(50, TINY, {}, best=True)
        saved.save(60, TINY, {}, best=False)
    assert steps_in(kept)[0] == 20


def test_a_bucket_holds_a_checkpoint_as_soon_as_its_record_is_there(bucket):
    folder = user_path("gs://bucket/run/checkpoints")
    with open_checkpoints(folder) as checkpointer:
        for step in (1, 2, 3, 4):
            checkpointer.save(
                step, {"model": {"a": jnp.full(3, step)}, "training": {"b": np.ones(2)}}, {"at": step}, best=step == 1
            )
            checkpointer.wait()
    assert steps_in(folder) == [1, 3, 4]
    assert not [name for name in bucket if "/checkpoints/2/" in name]
    wanted = devices.abstract({"model": {"a": jnp.zeros(3, int)}})
    assert load_latest(folder, wanted)[1] == {"at": 4}
    assert load_model(folder, "best", wanted["model"])[1]["a"].tolist() == [1, 1, 1]

    del bucket["bucket/run/checkpoints/4/checkpoint.json"]  # as a killed run leaves it
    assert load_latest(folder, wanted)[1] == {"at": 3}
    with open_checkpoints(folder):
        pass
    assert not [name for name in bucket if "/checkpoints/4/" in name]


def test_a_damaged_checkpoint_on_a_bucket_is_named(bucket, capsys):
    folder = user_path("gs://bucket/run/checkpoints")
    with open_checkpoints(folder) as checkpointer:
        for step in (1, 2, 3):
            checkpointer.save(
                step, {"model": {"a": jnp.full(3, step)}, "training": {"b": np.ones(2)}}, {}, best=step == 1
            )
            checkpointer.wait()
    bucket["bucket/run/checkpoints/3/model/manifest.ocdbt"] = b"x"
    del bucket["bucket/run/checkpoints/2/model/manifest.ocdbt"]
    assert load_model(folder, "last", devices.abstract({"a": jnp.zeros(3, int)}))[0] == 1
    said = capsys.readouterr().out
    assert "gs://bucket/run/checkpoints/3 is damaged: model/manifest.ocdbt is not what was written" in said
    assert "gs://bucket/run/checkpoints/2 is damaged: model/manifest.ocdbt is missing" in said
