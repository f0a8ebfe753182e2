"""The three types of learning, with the weights of an earlier run of the tiny network."""

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from study_classification.errors import ConfigError
from study_classification.freezing import layer_multipliers, merge, split, trainable_mask
from study_classification.train import train_and_evaluate

PARAMS = {
    "backbone": {"conv": {"kernel": np.ones(2)}, "bn": {"scale": np.ones(3)}, "dense": {"kernel": np.ones(4)}},
    "head": {"classifier": {"kernel": np.ones(5)}},
}


@pytest.fixture
def from_run(config, run):
    config.model.weights = str(run.workdir)
    config.learning = "transfer_learning"
    config.optimizer.name, config.optimizer.weight_decay = "adamw", 0.1
    return config


def flat(tree):
    return {path: np.asarray(leaf) for path, leaf in flatten_dict(tree, sep="/").items()}


def changed(before, after):
    before, after = flat(before), flat(after)
    return {path for path in before if not np.array_equal(before[path], after[path])}


def weights_of(run):
    from study_classification.checkpoints import open_checkpoints

    with open_checkpoints(run.workdir / "checkpoints") as saved:
        step = max(saved.checkpoints, key=lambda checkpoint: checkpoint.metrics["improvement"]).step
        found = saved.checkpointables_metadata(step).metadata["model"]
        return saved.load_checkpointables(
            step, {"model": jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), found)}
        )["model"]


@pytest.mark.parametrize("views", [0, 1, 2])
def test_transfer_learning_trains_the_head_and_nothing_else(from_run, run, tmp_path, views):
    from_run.feature_cache.views = views
    state = train_and_evaluate(from_run, tmp_path / "transfer")
    before = weights_of(run)
    assert changed(before["params"], state.params) == {"head/classifier/kernel", "head/classifier/bias"}
    assert not changed(before["batch_stats"], state.batch_stats)  # a frozen BatchNorm never moves
    assert sum(leaf.size for leaf in jax.tree.leaves(state.opt_state)) < 3 * 51 + 5  # 16 x 3 + 3 parameters are trained


def test_the_cache_changes_nothing_without_augmentation(from_run, tmp_path):
    from_run.augment.shift = 0.0
    states = []
    for views in (0, 1):
        from_run.feature_cache.views = views
        states.append(train_and_evaluate(from_run, tmp_path / str(views)))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), states[0].params, states[1].params)


def test_fine_tuning_trains_all_but_what_a_pattern_freezes(from_run, run, tmp_path):
    from_run.learning = "fine_tuning"
    state = train_and_evaluate(from_run, tmp_path / "all")
    before = weights_of(run)
    assert changed(before["params"], state.params) == flat(before["params"]).keys()
    assert not changed(before["batch_stats"], state.batch_stats)
    from_run.fine_tuning.update_statistics = True
    state = train_and_evaluate(from_run, tmp_path / "statistics")
    assert changed(before["batch_stats"], state.batch_stats)
    from_run.fine_tuning.frozen = ("backbone/(conv|bn)/",)
    state = train_and_evaluate(from_run, tmp_path / "frozen")
    kept = flat(before["params"]).keys() - changed(before["params"], state.params)
    assert kept == {"backbone/conv/kernel", "backbone/conv/bias", "backbone/bn/scale", "backbone/bn/bias"}
    assert not changed(before["batch_stats"], state.batch_stats)


def test_a_finished_transfer_stays_as_it_is(from_run, tmp_path):
    whole = train_and_evaluate(from_run, tmp_path / "whole")
    again = train_and_evaluate(from_run, tmp_path / "whole")  # finished: nothing is left to do
    assert not changed(whole.params, again.params)


def test_masks_split_and_merge():
    mask = trainable_mask(PARAMS, "fine_tuning", ["backbone/bn"])
    trained, frozen = split(PARAMS, mask)
    assert [leaf.size for leaf in jax.tree.leaves(trained)] == [2, 4, 5]
    assert [leaf.size for leaf in jax.tree.leaves(frozen)] == [3]
    jax.tree.map(np.testing.assert_array_equal, merge(trained, frozen), PARAMS)
    assert sum(jax.tree.leaves(trainable_mask(PARAMS, "transfer_learning", ()))) == 1
    assert all(jax.tree.leaves(trainable_mask(PARAMS, "from_scratch", ())))


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (
            ["backbone/conv", "layer9"],
            "the pattern 'layer9' matches no parameter; the first of them are backbone/bn/scale",
        ),
        (["("], "'\\(' is no regular expression"),
        (["backbone", "head"], "nothing left to train"),
    ],
)
def test_useless_patterns_are_named(patterns, message):
    with pytest.raises(ConfigError, match=message):
        trainable_mask(PARAMS, "fine_tuning", patterns)


def test_rates_fall_with_depth():
    multipliers = flat(layer_multipliers(PARAMS, ["conv", "bn", "dense"], 0.5))
    assert multipliers == {
        "backbone/conv/kernel": 0.125,
        "backbone/bn/scale": 0.25,
        "backbone/dense/kernel": 0.5,
        "head/classifier/kernel": 1.0,
    }


def test_learning_and_weights_must_agree(config, tmp_path):
    config.learning = "transfer_learning"
    with pytest.raises(ConfigError, match=r"needs the weights of a trained network: set model\.weights"):
        train_and_evaluate(config, tmp_path)
    config.learning, config.model.weights = "from_scratch", "x.safetensors"
    with pytest.raises(ConfigError, match=r"model\.weights is set, but learning is from_scratch"):
        train_and_evaluate(config, tmp_path)
