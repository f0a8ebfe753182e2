"""Checkpoints through Orbax: the latest and the best are kept. They hold trees by name, whatever these are.

A checkpoint of a run has the parts `model` and `training`, see `training/state.py`, so that evaluation reads the first
alone, and JSON beside them: the history of the run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import jax
from jaxtyping import PyTree
from orbax.checkpoint import v1 as ocp

from study_classification.errors import RunError

Checkpointer: TypeAlias = ocp.training.Checkpointer
_policies = ocp.training.preservation_policies


def open_checkpoints(folder: Path) -> Checkpointer:
    """The checkpoints of a run directory; what a killed run left half-written is removed."""
    # The metric counts improvements, so that the largest is the best epoch, also where two have the same score.
    keep = _policies.AnyPreservationPolicy(
        [
            _policies.LatestN(1),
            _policies.BestN(get_metric_fn=lambda metrics: metrics["improvement"], reverse=False, n=1),
        ]
    )
    return Checkpointer(folder.absolute(), preservation_policy=keep, cleanup_tmp_directories=True)


def save(checkpointer: Checkpointer, step: int, parts: Mapping[str, PyTree], beside: dict, best: bool) -> None:
    """Saves trees of arrays after a step; the file system sees all of it or nothing.

    What the arrays hold now is written while training goes on. `checkpointer.wait()` waits for it; errors of writing
    are raised there, or by the next save.

    Args:
        checkpointer: of the run.
        step: the name of the checkpoint.
        parts: the trees, by name.
        beside: JSON that is kept with them.
        best: whether they are better than all before.
    """
    checkpointer.wait()
    checkpointer.save_checkpointables_async(
        step,
        dict(parts),
        metrics={"improvement": step if best else -1},
        custom_metadata=beside,
        overwrite=any(checkpoint.step == step for checkpoint in checkpointer.checkpoints),
        force=True,
    )


def load_latest(checkpointer: Checkpointer, parts: Mapping[str, PyTree]) -> tuple[dict[str, PyTree], dict] | None:
    """The parts of the latest checkpoint and what is kept beside them; None if there is no checkpoint.

    Args:
        checkpointer: of the run.
        parts: abstract trees (shapes, types, shardings), by name; the arrays are put where they say.

    Raises:
        RunError: if the checkpoint is damaged or belongs to another network.
    """
    latest = checkpointer.latest
    if latest is None:
        return None
    loaded = _load(checkpointer, latest.step, parts)
    return loaded, checkpointer.checkpointables_metadata(latest.step).custom_metadata


def load_model(folder: Path, which: str, variables: Mapping) -> tuple[int, dict]:
    """(step, {'params', 'batch_stats'}) of the checkpoint `best`, `last`, or of a step, for a network of these shapes.

    Args:
        folder: the run's checkpoints directory.
        which: `best`, `last`, or a step as digits.
        variables: abstract (shapes, types and, if wanted, shardings).

    Raises:
        RunError: if it is absent, damaged, or belongs to another network.
    """
    if not folder.is_dir():
        raise RunError(f"{folder.parent} has no checkpoints yet: train first")
    with Checkpointer(folder.absolute()) as checkpointer:
        step = _resolve(checkpointer, which)
        return step, _load(checkpointer, step, {"model": dict(variables)})["model"]


def last_good(checkpointer: Checkpointer) -> str:
    """Where one can go on from, in words."""
    checkpointer.wait()
    latest = checkpointer.latest
    return f"the last good checkpoint is {latest.path}" if latest else "there is no checkpoint yet"


def _resolve(checkpointer: Checkpointer, which: str) -> int:
    steps = {
        checkpoint.step: (checkpoint.metrics or {}).get("improvement", -1) for checkpoint in checkpointer.checkpoints
    }
    if not steps:
        raise RunError(f"{checkpointer.directory} has no complete checkpoint yet: train for at least one epoch")
    if which == "last":
        return max(steps)
    if which == "best":
        return max(steps, key=lambda step: (steps[step], step))
    if which.isdigit() and int(which) in steps:
        return int(which)
    kept = ", ".join(map(str, sorted(steps)))
    raise RunError(f"{checkpointer.directory} has no checkpoint '{which}': give best, last, or one of the steps {kept}")


def _load(checkpointer: Checkpointer, step: int, wanted: Mapping[str, PyTree]) -> dict:
    where = checkpointer.directory / str(step)
    try:
        stored = checkpointer.checkpointables_metadata(step).metadata["model"]
    except Exception as error:  # Orbax lets every kind of error of the file system and of its formats through
        raise _damaged(where, error) from None
    if stored is None:
        raise _damaged(where, ValueError())
    _compare(where, _shapes(stored), _shapes(wanted["model"]))
    try:
        return checkpointer.load_checkpointables(step, dict(wanted))
    except Exception as error:
        raise _damaged(where, error) from None


def _damaged(where: Path, error: Exception) -> RunError:
    return RunError(
        f"the checkpoint {where} is damaged ({type(error).__name__}): "
        "delete its folder to fall back on the one before, or train again"
    )


def _compare(where: Path, stored: dict[str, tuple], wanted: dict[str, tuple]) -> None:
    for name in sorted(stored.keys() | wanted.keys()):
        if stored.get(name) != wanted.get(name):

            def shape(found):
                return "absent" if found is None else " x ".join(map(str, found)) or "a scalar"

            raise RunError(
                f"the checkpoint {where} is of another network: {name} is {shape(stored.get(name))} there and "
                f"{shape(wanted.get(name))} here; use the config and classes that it was trained with"
            )


def _shapes(tree: PyTree) -> dict[str, tuple]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {"/".join(str(key.key) for key in path): tuple(leaf.shape) for path, leaf in leaves}
