"""A network of fixed logits, and accuracies counted by hand."""

from dataclasses import replace

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.utils.class_weight import compute_class_weight

from study_classification.configs import default
from study_classification.inputs.images.augment import Augment, example_keys
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.models import Classifier
from study_classification.models.head import Head
from study_classification.models.initial import init_variables
from study_classification.models.layers.normalization import batch_norm
from study_classification.models.mlp import MLP
from study_classification.streams import MIXING, stream
from study_classification.tasks.prediction import make_predict_step
from study_classification.tasks.softmax import Softmax
from study_classification.training import step as steps
from study_classification.training.state import init_state
from study_classification.training.step import make_measure_step, make_train_step


class Nothing(nn.Module):
    """A backbone without parameters."""

    def __call__(self, x, train):
        return x


class FixedHead(nn.Module):
    """Logits that grow with the class index, whatever the image: it always says class 3."""

    def pool(self, x):
        return x

    @nn.compact
    def __call__(self, features, train):
        scale = self.param("kernel", nn.initializers.ones, (1,))
        return jnp.broadcast_to(jnp.arange(4.0) * scale, (len(features), 4))


class Brightness(FixedHead):
    """Logits that grow with the class index as the image is bright."""

    @nn.compact
    def __call__(self, features, train):
        scale = self.param("kernel", nn.initializers.ones, (1,))
        return features.mean((1, 2, 3))[:, None] * jnp.arange(4.0) * scale


FIXED = Classifier(Nothing(), FixedHead())
MASK = {"head": {"kernel": True}}
NAMES = ("loss", "accuracy")


def untrained(model, preprocess):
    return init_variables(model, preprocess.shape, jax.random.key(0))


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
    predict, measure = make_predict_step(FIXED, preprocess, Softmax(4)), make_measure_step(Softmax(4))
    sums = measure(predict({"params": {"head": {"kernel": jnp.ones(1)}}}, batch), batch["label"], batch["mask"])
    assert sums["accuracy"] / sums["count"] == 2.0 / 16.0
    log_sum = np.log(np.exp(np.arange(4.0)).sum())
    assert float(sums["loss"]) == pytest.approx(2 * (log_sum - 3) + 14 * log_sum, rel=1e-6)


def test_masked_examples_do_not_count():
    log_probabilities = jax.nn.log_softmax(jnp.array([[1.0, 0.0], [1.0, 0.0], [5.0, 0.0]]))
    sums = make_measure_step(Softmax(2))(log_probabilities, jnp.array([0, 1, 0]), jnp.array([1.0, 1.0, 0.0]))
    assert (float(sums["accuracy"]), float(sums["count"])) == (1.0, 2.0)
    assert float(sums["loss"]) == pytest.approx(2 * np.log(1 + np.e) - 1, rel=1e-6)


@pytest.mark.parametrize(("smoothing", "l2"), [(0.0, 0.0), (0.1, 0.0), (0.0, 0.2)])
def test_the_step_descends_the_objective_and_sums_the_plain_loss(parts, smoothing, l2):
    config, preprocess, augmentation = parts
    config.label_smoothing, config.optimizer.l2 = smoothing, l2
    optimizer = optax.sgd(0.5)
    state = init_state(untrained(FIXED, preprocess), optimizer, MASK, NAMES)
    step = jax.jit(
        make_train_step(FIXED, optimizer, preprocess, augmentation, config, Softmax(4, config.label_smoothing), MASK)
    )
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
    assert (int(state.sums["accuracy"]), int(state.sums["count"]), int(state.sums["first_nonfinite_step"])) == (
        1,
        2,
        -1,
    )
    assert int(step(state, batch).sums["count"]) == 4


def test_class_weights_are_those_of_scikit_learn_and_multiply_the_loss(parts):
    config, preprocess, augmentation = parts
    labels = np.array([0, 0, 0, 1, 2, 2, 3, 3])
    task = Softmax(4, 0.1).fitted(labels)
    weights = task.class_weights
    np.testing.assert_allclose(weights, compute_class_weight("balanced", classes=np.arange(4), y=labels), rtol=1e-6)
    assert weights[labels].mean() == pytest.approx(1)
    optimizer = optax.sgd(0.5)
    state = init_state(untrained(FIXED, preprocess), optimizer, MASK, NAMES)
    step = make_train_step(FIXED, optimizer, preprocess, augmentation, config, task, MASK)
    state = jax.jit(step)(state, batch_of([3, 1]))
    classes = np.arange(4.0)
    targets = 0.9 * np.eye(4)[[3, 1]] + 0.1 / 4
    gradients = np.exp(classes) / np.exp(classes).sum() @ classes - targets @ classes  # of each example
    gradient = (8 / (4 * 2) * gradients[0] + 8 / (4 * 1) * gradients[1]) / 2
    assert float(state.params["head"]["kernel"][0]) == pytest.approx(1 - 0.5 * gradient, rel=1e-5)
    assert float(state.sums["loss"]) == pytest.approx(2 * np.log(np.exp(classes).sum()) - 4, rel=1e-5)  # unweighted


def test_sharpness_aware_steps_take_the_gradient_nearby(parts):
    config, preprocess, augmentation = parts
    config.optimizer.sam_rho = 0.3
    optimizer = optax.sgd(0.5)
    state = init_state(untrained(FIXED, preprocess), optimizer, MASK, NAMES)
    state = jax.jit(
        make_train_step(FIXED, optimizer, preprocess, augmentation, config, Softmax(4, config.label_smoothing), MASK)
    )(state, batch_of([3, 0]))
    classes = np.arange(4.0)

    def gradient(scale):
        return np.exp(scale * classes) / np.exp(scale * classes).sum() @ classes - 1.5

    assert gradient(1.0) > 0
    assert float(state.params["head"]["kernel"][0]) == pytest.approx(1 - 0.5 * gradient(1.3), rel=1e-5)
    assert float(state.sums["loss"]) == pytest.approx(2 * np.log(np.exp(classes).sum()) - 3, rel=1e-5)


def stepped(model, config, batch, accumulate_steps):
    preprocess = Preprocess.from_config(config.preprocess)
    variables = untrained(model, preprocess)
    mask = jax.tree.map(lambda leaf: True, variables["params"])
    optimizer = optax.sgd(0.1)
    state = init_state(variables, optimizer, mask, NAMES)
    augmentation = Augment.from_config(config.augment, config.preprocess.image_size)
    step = make_train_step(
        model,
        optimizer,
        preprocess,
        augmentation,
        config,
        Softmax(4, config.label_smoothing),
        mask,
        accumulate_steps=accumulate_steps,
    )
    return variables, jax.jit(step)(state, batch)


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_accumulated_parts_are_the_whole_batch_where_examples_do_not_meet(parts, rho):
    config, _, _ = parts
    config.label_smoothing, config.optimizer.l2, config.optimizer.sam_rho = 0.1, 0.01, rho
    config.augment.shift = 0.2
    model = Classifier(MLP((8,), 0.0), Head(4, 0.0))
    images = jax.random.randint(jax.random.key(1), (12, 4, 4, 1), 0, 256, jnp.uint8)
    batch = batch_of([0, 1, 2, 3] * 3) | {"image": images}
    variables, whole = stepped(model, config, batch, 1)
    for count in (3, 12)[: 1 if rho else 2]:
        _, in_parts = stepped(model, config, batch, count)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), whole.params, in_parts.params)
        assert float(in_parts.sums["loss"]) == pytest.approx(float(whole.sums["loss"]), rel=1e-5)
        assert int(in_parts.sums["accuracy"]) == int(whole.sums["accuracy"])
        assert int(in_parts.sums["count"]) == 12
    largest = max(jax.tree.leaves(jax.tree.map(lambda a, b: np.abs(a - b).max(), variables["params"], whole.params)))
    assert largest > 1e-3  # what is compared has moved


class Normalized(nn.Module):
    """A backbone of BatchNorm alone."""

    @nn.compact
    def __call__(self, x, train):
        return batch_norm(train, 0.9, 1e-5, jnp.float32)(name="bn")(x)


def test_parts_are_normalised_one_after_the_other(parts):
    config, _, _ = parts
    config.preprocess.mean, config.preprocess.std = (0.0,), (1 / 255,)
    images = jnp.broadcast_to(jnp.array([0, 100, 20, 160], jnp.uint8)[:, None, None, None], (4, 4, 4, 1))
    model = Classifier(Normalized(), Head(4, 0.0))
    _, state = stepped(model, config, batch_of([0, 1, 2, 3]) | {"image": images}, 2)
    # The parts are the images 0 and 2, and 1 and 3: means 10 and 130, variances 100 and 900.
    found = state.batch_stats["backbone"]["bn"]
    assert float(found["mean"][0]) == pytest.approx(0.9 * 0.1 * 10 + 0.1 * 130, rel=1e-4)
    assert float(found["var"][0]) == pytest.approx(0.9 * (0.9 * 1 + 0.1 * 100) + 0.1 * 900, rel=1e-4)


def test_statistics_of_so_many_images(parts):
    config, _, _ = parts
    config.preprocess.mean, config.preprocess.std = (0.0,), (1 / 255,)
    images = jnp.broadcast_to(jnp.array([0, 100, 20, 160], jnp.uint8)[:, None, None, None], (4, 4, 4, 1))
    batch = batch_of([0, 1, 2, 3]) | {"image": images}
    model = Classifier(Normalized(), Head(4, 0.0))
    config.batch_norm_size = 2
    _, state = stepped(model, config, batch, 1)
    # The images 0 and 1, and 2 and 3: means 50 and 90, variances 2500 and 4900.
    found = state.batch_stats["backbone"]["bn"]
    assert float(found["mean"][0]) == pytest.approx(0.1 * 70, rel=1e-4)
    assert float(found["var"][0]) == pytest.approx(0.9 + 0.1 * 3700, rel=1e-4)
    config.learning = "fine_tuning"  # which keeps the statistics that it is given
    _, state = stepped(model, config, batch, 1)
    assert float(state.batch_stats["backbone"]["bn"]["mean"][0]) == 0


def test_the_average_follows_the_weights(parts):
    config, preprocess, augmentation = parts
    config.ema_decay = 0.15
    optimizer = optax.sgd(0.5)
    state = init_state(untrained(FIXED, preprocess), optimizer, MASK, NAMES, ema_decay=0.15)
    step = jax.jit(
        make_train_step(FIXED, optimizer, preprocess, augmentation, config, Softmax(4, config.label_smoothing), MASK)
    )
    first = step(state, batch_of([3, 0]))
    second = step(first, batch_of([3, 0]))
    expected = [1.0]
    for decay, state in ((0.1, first), (0.15, second)):
        expected.append(decay * expected[-1] + (1 - decay) * float(state.params["head"]["kernel"][0]))
        assert float(state.evaluated()["params"]["head"]["kernel"][0]) == pytest.approx(expected[-1], rel=1e-6)


def test_the_first_bad_step_is_remembered(parts):
    config, preprocess, augmentation = parts
    optimizer = optax.sgd(float("inf"))
    state = init_state(untrained(FIXED, preprocess), optimizer, MASK, NAMES)
    step = jax.jit(
        make_train_step(FIXED, optimizer, preprocess, augmentation, config, Softmax(4, config.label_smoothing), MASK)
    )
    for _ in range(4):
        state = step(state, batch_of([3, 0]))
    assert int(state.sums["first_nonfinite_step"]) == 1  # step 0 still computes with finite weights


def test_images_and_targets_are_mixed_by_the_same_share(parts, monkeypatch):
    config, preprocess, augmentation = parts
    config.label_smoothing = 0.1
    augmentation = replace(augmentation, mixup=0.2, cutmix=1.0)
    drawn = []

    def draw(key, side, mixup, cutmix):
        drawn.append((side, mixup, cutmix))
        return jax.random.uniform(key, (side, side))

    monkeypatch.setattr(steps, "draw_mask", draw)
    model = Classifier(Nothing(), Brightness())
    state = init_state(untrained(model, preprocess), optax.sgd(0.5), MASK, NAMES)
    step = jax.jit(
        make_train_step(
            model, optax.sgd(0.5), preprocess, augmentation, config, Softmax(4, config.label_smoothing), MASK
        )
    )
    levels, labels = np.array([10, 100, 250]), np.array([3, 0, 1])
    for epoch in (0, 7):
        batch = batch_of(labels) | {"epoch": jnp.full(3, epoch), "index": jnp.array([5, 9, 4])}
        batch["image"] = jnp.broadcast_to(levels[:, None, None, None], (3, 4, 4, 1)).astype(jnp.uint8)
        new = step(state, batch)
        # The key is that of the batch's first example, and of no other of its random numbers.
        own = np.asarray(
            jax.random.uniform(example_keys(stream(config.seed, MIXING), jnp.array([epoch]), jnp.array([5]))[0], (4, 4))
        )
        images = own * levels[:, None, None] + (1 - own) * levels[[2, 0, 1], None, None]
        targets = own.mean() * np.eye(4)[labels] + (1 - own.mean()) * np.eye(4)[labels[[2, 0, 1]]]
        # Logits are s x the mean of the normalised image x (0, 1, 2, 3).
        slopes = ((images / 255 - 0.5) / 0.25).mean((1, 2))[:, None] * np.arange(4.0)
        log_probabilities = slopes - np.log(np.exp(slopes).sum(1, keepdims=True))
        gradient = ((np.exp(log_probabilities) - 0.9 * targets - 0.1 / 4) * slopes).sum(1).mean()
        assert float(new.params["head"]["kernel"][0]) == pytest.approx(1 - 0.5 * gradient, rel=1e-5)
        assert float(new.sums["loss"]) == pytest.approx(-(targets * log_probabilities).sum(), rel=1e-5)
        assert int(new.sums["accuracy"]) == (log_probabilities.argmax(1) == targets.argmax(1)).sum()
    assert drawn == [(4, 0.2, 1.0)]  # traced once, and the mask drawn once


class Pixels(nn.Module):
    """Its features are the upper row of the image."""

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
    plain, flip = (np.exp(make_predict_step(model, preprocess, Softmax(4), tta)({}, batch)) for tta in ("none", "flip"))
    np.testing.assert_allclose(flip, (plain + plain[:, ::-1]) / 2, rtol=1e-5)
    np.testing.assert_allclose(flip.sum(1), 1, rtol=1e-5)
    assert abs(flip - plain).max() > 0.1
