"""airbench: its parts by hand, the whitening on real images, and that a run has that of its training images."""

import csv
import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from study_classification.errors import ConfigError
from study_classification.inference.evaluate import evaluate
from study_classification.inputs.images.preprocess import normalize
from study_classification.models.airbench import EPSILON, Airbench, Whitening, identity_first, whitening
from study_classification.models.layers.convolution import convolution
from study_classification.runs.directory import load
from study_classification.training import lr_find
from study_classification.training.feed import Feed, open_feed
from study_classification.training.initial import first_variables, initial_variables
from study_classification.training.loop import train_and_evaluate
from study_classification.training.setup import resolve_config

BILINEAR = Image.Resampling.BILINEAR


# 3x3 kernels, biases of BatchNorm (two a group), bias of the whitening, head
def test_parameters_counted_by_hand(make_model, shapes):
    by_hand = 9 * (24 * 64 + 64 * 64 + 64 * 256 + 3 * 256 * 256) + 2 * (64 + 256 + 256) + 24 + 256 * 10 + 10
    variables = shapes(make_model("airbench"), 32, 32, 3)
    assert sum(leaf.size for leaf in jax.tree.leaves(variables["params"])) == by_hand == 1_971_362
    assert variables["batch_stats"]["backbone"]["whitening"]["kernel"].shape == (2, 2, 3, 24)


@pytest.mark.parametrize(("size", "channels", "side"), [(32, 3, 3), (33, 1, 4), (9, 3, 1)])
def test_side_of_the_map(size, channels, side):
    x = jnp.zeros((2, size, size, channels))
    found, _ = jax.eval_shape(lambda: Airbench().init_with_output(jax.random.key(0), x, False))
    assert found.shape == (2, side, side, 256)


def test_too_small_a_image_is_refused_by_name(make_model, shapes):
    with pytest.raises(ConfigError, match=r"image_size is 8, .* at least 9"):
        shapes(make_model("airbench"), 8, 8, 3)


def test_convolutions_begin_as_the_identity():
    kernel = identity_first(jax.random.key(0), (3, 3, 24, 64))
    x = np.random.default_rng(0).normal(size=(1, 5, 5, 24)).astype(np.float32)
    y = convolution(x, kernel)
    np.testing.assert_array_equal(y[..., :24], x)
    rest = np.asarray(kernel[..., 24:])
    bound = (9 * 24) ** -0.5  # of PyTorch's convolutions
    assert 0.99 * bound < np.abs(rest).max() <= bound
    np.testing.assert_allclose(rest.std(), bound / 3**0.5, rtol=0.02)


def photos(channels: int) -> np.ndarray:
    """Normalised real images [b, 8, 8, channels]; colours are three digits over each other."""
    digits = load_digits().images.astype(np.float32)[: 600 * channels] / 8 - 1
    return np.stack(np.split(digits, channels), axis=-1)


@pytest.mark.parametrize("channels", [1, 3])
def test_whitened_patches_are_uncorrelated(channels):
    images = photos(channels)
    filters = whitening([images[:250], images[250:]])
    assert filters.shape == (2, 2, channels, 8 * channels) and filters.dtype == np.float32
    np.testing.assert_array_equal(filters[..., 4 * channels :], -filters[..., : 4 * channels])
    corners = [images[:, :-1, :-1], images[:, :-1, 1:], images[:, 1:, :-1], images[:, 1:, 1:]]
    patches = np.concatenate(corners, -1).reshape(-1, 4 * channels).astype(np.float64)
    eigenvalues = np.linalg.eigvalsh(patches.T @ patches / len(patches))
    variables = {"batch_stats": {"kernel": filters}, "params": {"bias": jnp.zeros(8 * channels)}}
    outputs = np.asarray(jax.jit(Whitening().apply)(variables, images))[..., : 4 * channels].reshape(-1, 4 * channels)
    expected = np.diag(eigenvalues / (eigenvalues + EPSILON))
    np.testing.assert_allclose(outputs.T @ outputs / len(outputs), expected, atol=2e-4)


def test_without_statistics_the_whitening_passes_each_pixel_and_its_negative():
    x = photos(3)[:2]
    outputs = Whitening().init_with_output(jax.random.key(0), x)[0]
    corners = np.concatenate([x[:, :-1, :-1], x[:, :-1, 1:], x[:, 1:, :-1], x[:, 1:, 1:]], -1)
    np.testing.assert_array_equal(outputs, np.concatenate([corners, -corners], -1))


def whitening_of(variables):
    return np.asarray(variables["batch_stats"]["backbone"]["whitening"]["kernel"])


@pytest.fixture
def airbench(config):
    config.model.name = "airbench"
    config.preprocess.image_size = 9
    config.augment.random_crop = 1
    config.total_epochs = 1.0
    return config


def test_training_keeps_the_whitening_of_its_images(airbench, tmp_path):
    airbench.ema_decay = 0.5
    experiment = resolve_config(airbench)
    split = open_feed(experiment).data.split("train")
    images = [Image.open(io.BytesIO(split[i].data)).convert("L").resize((9, 9), BILINEAR) for i in range(len(split))]
    assert len(images) == 72
    of_images = whitening([np.asarray(normalize(np.stack(images)[..., None], experiment.preprocess))])

    state = train_and_evaluate(airbench, tmp_path / "run")
    np.testing.assert_array_equal(whitening_of(state.variables()), of_images)
    assert np.abs(state.params["backbone"]["whitening"]["bias"]).min() > 0  # which is trained
    run = load(tmp_path / "run")
    *_, last = csv.DictReader((run.workdir / "history.csv").read_text(encoding="utf-8").splitlines())
    metrics = evaluate(run, split="validation")
    assert metrics["loss"] == pytest.approx(float(last["val_loss"]), rel=1e-5)

    airbench.learning, airbench.ema_decay = "fine_tuning", 0.0
    airbench.model.weights = str(run.workdir)
    airbench.data.split_seed = 1  # other training images, but the weights have their own statistics
    experiment = resolve_config(airbench)
    start = first_variables(experiment, open_feed(experiment).data)
    np.testing.assert_array_equal(whitening_of(start), of_images)


def test_lr_find_begins_with_what_training_begins_with(airbench, tmp_path, monkeypatch):
    class Reached(Exception):
        """The images are asked for."""

    def images(feed, name, variables):
        experiment = feed.experiment
        expected = first_variables(experiment, feed.data)
        jax.tree.map(np.testing.assert_array_equal, variables, expected)
        jax.tree.map(np.testing.assert_array_equal, expected["params"], initial_variables(experiment)["params"])
        assert np.abs(whitening_of(expected) - whitening_of(initial_variables(experiment))).max() > 1
        raise Reached

    monkeypatch.setattr(Feed, "images", images)
    with pytest.raises(Reached):
        lr_find.find_learning_rate(airbench, tmp_path)
