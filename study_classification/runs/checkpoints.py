"""Checkpoints through Orbax: the latest and the best are kept, each with the network and what training needs to go on.

A checkpoint has two parts, `model` (params, batch_stats) and `training` (opt_state, step, sums), so that evaluation
reads the first alone; its metadata hold the history of the run. Where an average of the weights is evaluated, it is the
`model`, and `training` holds the raw ones as well.
"""

from collections.abc import Mapping
from pathlib import Path

import jax
from orbax.checkpoint import v1 as ocp

from study_classification.system import devices
from study_classification.errors import RunError
from study_classification.runs.history import History
from study_classification.training.state import TrainState

_policies = ocp.training.preservation_policies


def open_checkpoints(folder: Path) -> ocp.training.Checkpointer:
    """The checkpoints of a run directory; what a killed run left half-written is removed."""
    # The metric counts improvements, so that the largest is the best epoch, also where two have the same score.
    keep = _policies.AnyPreservationPolicy(
        [
            _policies.LatestN(1),
            _policies.BestN(get_metric_fn=lambda metrics: metrics["improvement"], reverse=False, n=1),
        ]
    )
    return ocp.training.Checkpointer(folder.absolute(), preservation_policy=keep, cleanup_tmp_directories=True)


def save(checkpoints: ocp.training.Checkpointer, state: TrainState, history: History) -> None:
    """Saves the state after its last step; the file system sees all of it or nothing.

    What the arrays hold now is written while training goes on. `checkpoints.wait()` waits for it; errors of writing are
    raised there, or by the next save.
    """
    checkpoints.wait()
    step = int(state.step)
    best = bool(history.epochs) and history.epochs[history.best].step == step
    checkpoints.save_checkpointables_async(
        step,
        {"model": state.evaluated(), "training": _training_part(state)},
        metrics={"improvement": step if best else -1},
        custom_metadata={"history": history.to_json()},
        overwrite=any(checkpoint.step == step for checkpoint in checkpoints.checkpoints),
        force=True,
    )


def restore(checkpoints: ocp.training.Checkpointer, state: TrainState, history: History) -> TrainState:
    """The latest checkpoint, put where the arrays of `state` are, and its history; `state` itself if there is none.

    Raises:
        RunError: if the checkpoint is damaged or belongs to another network.
    """
    latest = checkpoints.latest
    if latest is None:
        return state
    restored = _load(
        checkpoints,
        latest.step,
        {"model": devices.abstract(state.evaluated()), "training": devices.abstract(_training_part(state))},
    )
    history.restore(checkpoints.checkpointables_metadata(latest.step).custom_metadata["history"])
    variables = restored["training"].pop("raw", restored["model"])
    average = restored["model"] if state.average else {}
    return state.replace(**variables, **restored["training"], average=average)


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
    with ocp.training.Checkpointer(folder.absolute()) as checkpoints:
        step = _resolve(checkpoints, which)
        return step, _load(checkpoints, step, {"model": dict(variables)})["model"]


def _resolve(checkpoints: ocp.training.Checkpointer, which: str) -> int:
    steps = {
        checkpoint.step: (checkpoint.metrics or {}).get("improvement", -1) for checkpoint in checkpoints.checkpoints
    }
    if not steps:
        raise RunError(f"{checkpoints.directory} has no complete checkpoint yet: train for at least one epoch")
    if which == "last":
        return max(steps)
    if which == "best":
        return max(steps, key=lambda step: (steps[step], step))
    if which.isdigit() and int(which) in steps:
        return int(which)
    kept = ", ".join(map(str, sorted(steps)))
    raise RunError(f"{checkpoints.directory} has no checkpoint '{which}': give best, last, or one of the steps {kept}")


def _load(checkpoints: ocp.training.Checkpointer, step: int, wanted: dict) -> dict:
    where = checkpoints.directory / str(step)
    try:
        stored = checkpoints.checkpointables_metadata(step).metadata["model"]
    except Exception as error:  # Orbax lets every kind of error of the file system and of its formats through
        raise _damaged(where, error) from None
    if stored is None:
        raise _damaged(where, ValueError())
    _compare(where, _shapes(stored), _shapes(wanted["model"]))
    try:
        return checkpoints.load_checkpointables(step, wanted)
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


def _shapes(tree) -> dict[str, tuple]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {"/".join(str(key.key) for key in path): tuple(leaf.shape) for path, leaf in leaves}


def _training_part(state: TrainState) -> dict:
    raw = {"raw": state.variables()} if state.averaged() else {}
    return {"opt_state": state.opt_state, "step": state.step, "sums": state.sums} | raw
