"""Too little memory, which the tests only pretend, and what training makes of it."""

import jax
import numpy as np
import pytest

from study_classification.errors import EnvironmentFault
from study_classification.system import devices
from study_classification.training import compiled_step as memory
from study_classification.training.loop import train_and_evaluate


@pytest.fixture
def needs(monkeypatch):
    """What each compiled step needed, in bytes."""
    found = []
    compile_step = memory._compile

    def noted(*arguments):
        step, needed = compile_step(*arguments)
        found.append(needed)
        return step, needed

    monkeypatch.setattr(memory, "_compile", noted)
    return found


def test_batches_pass_in_parts_until_they_fit(config, tmp_path, monkeypatch, capsys, needs):
    config.data.mode, config.augment.shift = "resident", 0.0
    config.total_epochs, config.total_steps = 0.0, 3
    config.accumulate_steps = 4
    expected = train_and_evaluate(config, tmp_path / "four")
    config.accumulate_steps = 2
    train_and_evaluate(config, tmp_path / "two")
    config.accumulate_steps = 1
    train_and_evaluate(config, tmp_path / "whole")
    four, two, whole = needs
    assert 0 < four < two < whole
    assert "pass in" not in capsys.readouterr().out

    needs.clear()
    monkeypatch.setattr(devices, "free_memory", lambda: two - 1)
    state = train_and_evaluate(config, tmp_path / "fitting")
    assert needs == [whole, two, four]
    said = capsys.readouterr().out
    assert f"with 16 pictures at once needs {whole / 1e6:.2f} MB, and {(two - 1) / 1e6:.2f} MB are free" in said
    assert "batches of 16 stay, but pass in 2 parts of 8" in said
    assert "with 8 pictures at once" in said
    assert "pass in 4 parts of 4, as by accumulate_steps=4" in said
    jax.tree.map(np.testing.assert_array_equal, state.params, expected.params)


def test_a_image_that_does_not_fit_is_said(config, tmp_path, monkeypatch, needs):
    config.data.mode, config.augment.shift = "resident", 0.0
    config.batch_size = 3
    monkeypatch.setattr(devices, "free_memory", lambda: 1000)
    with pytest.raises(
        EnvironmentFault, match=r"a training step with one picture at once needs .* MB, and 0\.00 MB are free"
    ):
        train_and_evaluate(config, tmp_path / "run")
    assert len(needs) == 2  # 3 images, then 1: they cannot be halved


def test_a_compiler_out_of_memory_is_answered_alike(monkeypatch, capsys):
    monkeypatch.setattr(devices, "free_memory", lambda: 10**12)

    class Step:
        def __init__(self, parts):
            self.parts = parts

        def lower(self, state, batch):
            if self.parts == 1:
                raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: too much")
            if state == "broken":
                raise jax.errors.JaxRuntimeError("INTERNAL: another fault")
            return jax.jit(lambda state, batch: state + batch["label"].sum()).lower(state, batch)

    batch = {"label": np.arange(6)}
    assert float(memory.CompiledStep(Step, 1, 1)(np.float32(1), batch)) == 16
    assert "with 6 pictures at once is too large for the compiler" in capsys.readouterr().out
    with pytest.raises(jax.errors.JaxRuntimeError, match="another fault"):
        memory.CompiledStep(Step, 2, 1)("broken", batch)


def test_a_batch_that_devices_share_is_cut_into_parts_that_they_can_share(monkeypatch, capsys):
    """6 images on 2 devices are 3 on each, so there are 3 parts or 1, and never 2."""
    tried = []

    class Step:
        def __init__(self, parts):
            tried.append(parts)

        def lower(self, state, batch):
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: too much")

    monkeypatch.setattr(devices, "free_memory", lambda: 10**12)
    with pytest.raises(EnvironmentFault, match="with one picture at once is too large for the compiler"):
        memory.CompiledStep(Step, 1, 2)(np.float32(1), {"label": np.arange(6)})
    assert tried == [1, 3]
    said = capsys.readouterr().out
    assert "A training step with 3 pictures at once is too large" in said
    assert "batches of 6 stay, but pass in 3 parts of 2, as by accumulate_steps=3" in said


def test_a_run_keeps_the_number_of_parts_that_memory_made(monkeypatch):
    made, found = [], {}

    class Step:
        def __init__(self, parts):
            made.append(parts)

        def lower(self, state, batch):
            return jax.jit(lambda state, batch: state + batch["label"].sum()).lower(state, batch)

    batch = {"label": np.arange(6)}
    compiled = memory.CompiledStep(Step, 1, 1)
    assert [int(compiled(np.int32(1), {"label": np.arange(size)})) for size in (6, 3, 6)] == [16, 4, 16]
    assert made == [1, 1]  # once for each shape
    made.clear()
    monkeypatch.setattr(memory, "_compile", lambda step, state, batch: (lambda state, batch: state, 12 // made[-1]))
    monkeypatch.setattr(devices, "free_memory", lambda: 6)
    memory.CompiledStep(Step, 1, 1, "0 ", found)(np.float32(1), batch)
    assert (made, found) == ([1, 2], {"0 (6,)": 2})
    monkeypatch.setattr(devices, "free_memory", lambda: 1000)
    memory.CompiledStep(Step, 1, 1, "0 ", found)(np.float32(1), batch)  # a resumed run, with memory enough
    assert made == [1, 2, 2]
    memory.CompiledStep(Step, 1, 1, "head ", found)(np.float32(1), batch)
    assert made == [1, 2, 2, 1]


@pytest.mark.parametrize(("images", "kept", "expected"), [(32, 8, 4), (32, 2, 2), (48, 4, 6)])
def test_a_number_of_parts_that_other_devices_cannot_share_is_changed_aloud(
    monkeypatch, capsys, images, kept, expected
):
    made = []
    monkeypatch.setattr(devices, "free_memory", lambda: 10**12)
    monkeypatch.setattr(memory, "_compile", lambda step, state, batch: (lambda state, batch: state, 0))
    found = {f"0 ({images},)": kept}
    memory.CompiledStep(made.append, 1, 8, "0 ", found)(np.float32(1), {"label": np.arange(images)})
    assert (made, found) == ([expected], {f"0 ({images},)": expected})
    said = f"Batches of {images} passed in {kept} parts before, which 8 devices cannot share: they pass in {expected}, "
    assert (said in capsys.readouterr().out) == (kept != expected)


def test_what_takes_the_place_of_the_state_needs_no_memory():
    state, batch = jax.ShapeDtypeStruct((1000,), np.float32), jax.ShapeDtypeStruct((), np.float32)

    def needed(**donated):
        return memory._compile(jax.jit(lambda state, batch: state + batch, **donated), state, batch)[1]

    assert needed() - needed(donate_argnums=0) == 4000
