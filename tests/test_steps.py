"""A network of fixed logits, and accuracies counted by hand."""

from dataclasses import replace

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from study_classification import steps
from study_classification.configs import default
from study_classification.data.augment import Augment, example_keys
from study_classification.data.preprocess import Preprocess
from study_classification.models import Classifier
from study_classification.steps import init_state, init_variables, loss_and_correct, make_eval_step, make_train_step


class Nothing(nn.Module):
    """A backbone without parameters."""

    def __call__(self, x, train):
        return x


class FixedHead(nn.Module):
    """Logits that grow with the class index, whatever the picture: it always says class 3."""

    def pool(self, x):
        return x

    @nn.compact
    def __call__(self, features, train):
        scale = self.param("kernel", nn.initializers.ones, (1,))
        return jnp.broadcast_to(jnp.arange(4.0) * scale, (len(features), 4))


class Brightness(FixedHead):
    """Logits that grow with the class index as the picture is bright."""

    @nn.compact
    def __call__(self, features, train):
        scale = self.param("kernel", nn.initializers.ones, (1,))
        return features.mean((1, 2, 3))[:, None] * jnp.arange(4.0) * scale


FIXED = Classifier(Nothing(), FixedHead())
MASK = {"head": {"kernel": True}}


@pytest.fixture
def parts():
    config = default.get_config()
    config.optimizer.learning_rate = 0.5
    config.preprocess.image_size = 4
    config.preprocess.channels = 1
    preprocess = Preprocess.from_config(config.preprocess)
    return config, preprocess, Augment.from_config(config.augment, 4)


def batch_of(labels):
    count = len(labels)
    return {
        "image": jnp.zeros((count, 4, 4, 1), jnp.uint8),
        "aspect": jnp.ones(count),
        "label": jnp.array(labels),
        "index": jnp.arange(count),
        "epoch": jnp.zeros(count, jnp.int32),
        "mask": jnp.ones(count),
    }


def test_two_of_sixteen(parts):
    _, preprocess, _ = parts
    batch = batch_of([3, 3] + [0] * 14)
    step = make_eval_step(FIXED, preprocess)
    sums = loss_and_correct(step({"params": {"head": {"kernel": jnp.ones(1)}}}, batch), batch["label"], batch["mask"])
    assert sums["correct"] / sums["count"] == 2.0 / 16.0
    log_sum = np.log(np.exp(np.arange(4.0)).sum())
    assert float(sums["loss"]) == pytest.approx(2 * (log_sum - 3) + 14 * log_sum, rel=1e-6)


def test_masked_examples_do_not_count():
    log_probabilities = jax.nn.log_softmax(jnp.array([[1.0, 0.0], [1.0, 0.0], [5.0, 0.0]]))
    sums = loss_and_correct(log_probabilities, jnp.array([0, 1, 0]), jnp.array([1.0, 1.0, 0.0]))
    assert (float(sums["correct"]), float(sums["count"])) == (1.0, 2.0)
    assert float(sums["loss"]) == pytest.approx(2 * np.log(1 + np.e) - 1, rel=1e-6)


@pytest.mark.parametrize(("smoothing", "l2"), [(0.0, 0.0), (0.1, 0.0), (0.0, 0.2)])
def test_the_step_descends_the_objective_and_sums_the_plain_loss(parts, smoothing, l2):
    config, preprocess, augmentation = parts
    config.label_smoothing, config.optimizer.l2 = smoothing, l2
    optimizer = optax.sgd(0.5)
    state = init_state(init_variables(FIXED, preprocess, seed=0), optimizer, MASK)
    step = jax.jit(make_train_step(FIXED, optimizer, preprocess, augmentation, config, MASK))
    batch = batch_of([3, 0])
    state = step(state, batch)
    # The objective as a function of the one parameter s: logits are s x (0, 1, 2, 3).
    classes = np.arange(4.0)
    targets = (1 - smoothing) * np.eye(4)[[3, 0]] + smoothing / 4
    probabilities = np.exp(classes) / np.exp(classes).sum()
    gradient = (probabilities @ classes) - (targets @ classes).mean() + l2 * 1.0
    assert float(state.params["head"]["kernel"][0]) == pytest.approx(1 - 0.5 * gradient, rel=1e-5)
    log_sum = np.log(np.exp(classes).sum())
    assert float(state.sums["loss"]) == pytest.approx(2 * log_sum - 3, rel=1e-5)
    assert (int(state.sums["correct"]), int(state.sums["count"]), int(state.sums["first_bad"])) == (1, 2, -1)
    assert int(step(state, batch).sums["count"]) == 4


def test_the_first_bad_step_is_remembered(parts):
    config, preprocess, augmentation = parts
    optimizer = optax.sgd(float("inf"))
    state = init_state(init_variables(FIXED, preprocess, seed=0), optimizer, MASK)
    step = jax.jit(make_train_step(FIXED, optimizer, preprocess, augmentation, config, MASK))
    for _ in range(4):
        state = step(state, batch_of([3, 0]))
    assert int(state.sums["first_bad"]) == 1  # step 0 still computes with finite weights


def test_pictures_and_targets_are_mixed_by_the_same_share(parts, monkeypatch):
    config, preprocess, augmentation = parts
    config.label_smoothing = 0.1
    augmentation = replace(augmentation, mixup=0.2, cutmix=1.0)
    drawn = []

    def draw(key, side, mixup, cutmix):
        drawn.append((side, mixup, cutmix))
        return jax.random.uniform(key, (side, side))

    monkeypatch.setattr(steps, "draw_mask", draw)
    model = Classifier(Nothing(), Brightness())
    state = init_state(init_variables(model, preprocess, seed=0), optax.sgd(0.5), MASK)
    step = jax.jit(make_train_step(model, optax.sgd(0.5), preprocess, augmentation, config, MASK))
    levels, labels = np.array([10, 100, 250]), np.array([3, 0, 1])
    for epoch in (0, 7):
        batch = batch_of(labels) | {"epoch": jnp.full(3, epoch), "index": jnp.array([5, 9, 4])}
        batch["image"] = jnp.broadcast_to(levels[:, None, None, None], (3, 4, 4, 1)).astype(jnp.uint8)
        new = step(state, batch)
        # The key is that of the batch's first example, and of no other of its random numbers.
        own = np.asarray(
            jax.random.uniform(example_keys(config.seed + 3, jnp.array([epoch]), jnp.array([5]))[0], (4, 4))
        )
        pictures = own * levels[:, None, None] + (1 - own) * levels[[2, 0, 1], None, None]
        targets = own.mean() * np.eye(4)[labels] + (1 - own.mean()) * np.eye(4)[labels[[2, 0, 1]]]
        # Logits are s x the mean of the normalised picture x (0, 1, 2, 3).
        slopes = ((pictures / 255 - 0.5) / 0.25).mean((1, 2))[:, None] * np.arange(4.0)
        log_probabilities = slopes - np.log(np.exp(slopes).sum(1, keepdims=True))
        gradient = ((np.exp(log_probabilities) - 0.9 * targets - 0.1 / 4) * slopes).sum(1).mean()
        assert float(new.params["head"]["kernel"][0]) == pytest.approx(1 - 0.5 * gradient, rel=1e-5)
        assert float(new.sums["loss"]) == pytest.approx(-(targets * log_probabilities).sum(), rel=1e-5)
        assert int(new.sums["correct"]) == (log_probabilities.argmax(1) == targets.argmax(1)).sum()
    assert drawn == [(4, 0.2, 1.0)]  # traced once, and the mask drawn once


class Pixels(nn.Module):
    """Its features are the upper row of the picture."""

    def __call__(self, x, train):
        return x[:, 0, :, 0]


class Identity(nn.Module):
    def pool(self, x):
        return x

    def __call__(self, features, train):
        return features


def test_flipping_averages_the_probabilities_of_both_views(parts):
    _, preprocess, _ = parts
    batch = batch_of([0, 0])
    batch["image"] = batch["image"].at[0, 0, 1, 0].set(255).at[1, 0, 3, 0].set(128)
    model = Classifier(Pixels(), Identity())
    plain, flip = (np.exp(make_eval_step(model, preprocess, tta)({}, batch)) for tta in ("none", "flip"))
    np.testing.assert_allclose(flip, (plain + plain[:, ::-1]) / 2, rtol=1e-5)
    np.testing.assert_allclose(flip.sum(1), 1, rtol=1e-5)
    assert abs(flip - plain).max() > 0.1
