"""What layers make of examples, counted by hand on a network of four units and a BatchNorm."""

from types import SimpleNamespace

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.models.layers.normalization import batch_norm
from study_classification.tasks.layers import look_at_layers
from study_classification.tasks.softmax import Softmax

ROWS = SimpleNamespace(inputs_of=lambda batch: batch["row"])  # a preprocess that leaves rows as they are


class Backbone(nn.Module):
    @nn.compact
    def __call__(self, x, train):
        x = nn.relu(nn.Dense(4, name="dense")(x))
        x = batch_norm(train, 0.9, 0.25, jnp.float32)(name="bn")(x)
        return nn.Dropout(0.9, deterministic=not train)(x)


class Head(nn.Module):
    @nn.compact
    def __call__(self, x, train):
        return nn.Dense(2, name="classifier")(x)


class Network(nn.Module):
    def setup(self):
        self.backbone, self.head = Backbone(), Head()

    def features(self, x, train):
        return self.backbone(x, train)

    def __call__(self, x, train):
        return self.head(self.features(x, train), train)


VARIABLES = {
    "params": {
        "backbone": {
            "dense": {"kernel": jnp.array([[1.0, -1.0, 0.0, 0.0]]), "bias": jnp.array([0.0, 0.0, -1.0, 2.0])},
            "bn": {"scale": jnp.ones(4), "bias": jnp.zeros(4)},
        },
        # The first class is said where the first unit, normalised, is above 0.
        "head": {"classifier": {"kernel": jnp.array([[1.0, 0.0]] + [[0.0, 0.0]] * 3), "bias": jnp.zeros(2)}},
    },
    "batch_stats": {"backbone": {"bn": {"mean": jnp.array([9.0, 0, 0, 0]), "var": jnp.array([16.0, 1, 1, 1])}}},
}


def look(*rows, whole=True, network=Network, variables=VARIABLES):
    """One batch a list of rows (value, label, mask)."""
    batches = []
    for batch in rows:
        values, labels, mask = map(np.array, zip(*batch, strict=True))
        batches.append({"row": values[:, None].astype(np.float32), "label": labels, "mask": mask.astype(np.float32)})
    return look_at_layers(network(), ROWS, Softmax(2), variables, batches, whole)


def test_units_that_are_never_above_zero():
    """Of x, the units are x, -x, -1 and 2: the second one is dead where no x is below 0, and the third one always."""
    assert look([(1, 0, 1), (2, 0, 1)]).relus["backbone/dense"].tolist() == [True, False, False, True]
    found = look([(1, 0, 1), (2, 0, 1)], [(-1, 0, 1), (1, 0, 0)])
    assert found.relus["backbone/dense"].tolist() == [True, True, False, True]
    assert found.count == 3


def test_own_statistics_are_those_of_the_examples_that_count():
    """The first unit of 0 and 4 is 0 and 4: mean 2, variance 4. Stored is a mean of 9, by which both are below 0."""
    found = look([(0, 1, 1), (4, 0, 1), (100, 0, 0)])
    norm = found.norms["backbone/bn"]
    assert (norm.epsilon, norm.stored.tolist()) == (0.25, [16, 1, 1, 1])
    np.testing.assert_allclose(norm.own, [4, 0, 0, 0], atol=1e-6)
    assert (found.stored["accuracy"], found.own["accuracy"]) == (0.5, 1.0)
    shift = 2 / (4 + 0.25) ** 0.5
    np.testing.assert_allclose(found.own["loss"], np.log1p(np.exp(-shift)), rtol=1e-5)  # alike for both


def test_means_over_batches():
    found = look([(0, 1, 1), (4, 0, 1)], [(0, 1, 1), (2, 1, 1)])
    np.testing.assert_allclose(found.norms["backbone/bn"].own, [2.5, 0, 0, 0], atol=1e-6)  # 4 and 1
    assert (found.stored["accuracy"], found.own["accuracy"]) == (0.75, 0.75)


def test_of_a_frozen_backbone_nothing_is_told():
    assert look([(1, 0, 1)], whole=False) is None  # the head has neither ReLU nor BatchNorm


class Shifted(Network):
    """A head with a ReLU, on features that are as in use, whatever the statistics of the batch are."""

    def setup(self):
        self.backbone, self.head = Backbone(), ReluHead()


class ReluHead(nn.Module):
    @nn.compact
    def __call__(self, x, train):
        return nn.relu(nn.Dense(2, name="classifier")(x))


def test_the_head_alone_takes_features_as_in_use():
    found = look([(0, 1, 1), (4, 0, 1)], whole=False, network=Shifted)
    assert found.norms == {} and found.own == found.stored
    assert found.relus["head/classifier"].tolist() == [False, False]  # (x - 9) / 4 is below 0, and the other output 0


def test_cached_features_are_looked_at_as_they_are():
    batch = {"features": np.array([[1.0, 0, 0, 0]], np.float32), "label": np.array([0]), "mask": np.ones(1, np.float32)}
    found = look_at_layers(Shifted(), ROWS, Softmax(2), VARIABLES, [batch], False)
    assert found.relus["head/classifier"].tolist() == [True, False]


def through_remat(x):
    return nn.remat(nn.BatchNorm)(use_running_average=True, name="bn")(x)


def by_parts(x):
    """Two parts of each row are examples of their own."""
    parts = nn.BatchNorm(use_running_average=True, name="bn")(x=x.reshape(-1, 2))
    return parts.reshape(x.shape)


def channels_first(x):
    return nn.BatchNorm(use_running_average=True, axis=1, name="bn")(x[..., None])[..., 0]


@pytest.mark.parametrize("normalized", [through_remat, by_parts, channels_first])
def test_networks_of_ones_own_whose_statistics_cannot_be_told_apart(normalized):
    class Own(Network):
        def setup(self):
            self.backbone, self.head = OwnBackbone(), Head()

    class OwnBackbone(nn.Module):
        @nn.compact
        def __call__(self, x, train):
            return normalized(nn.relu(nn.Dense(4, name="dense")(x)))

    width = 2 if normalized is by_parts else 4
    stats = {"mean": jnp.zeros(width), "var": jnp.ones(width)}
    scales = {"scale": jnp.ones(width), "bias": jnp.zeros(width)}
    params = VARIABLES["params"] | {"backbone": VARIABLES["params"]["backbone"] | {"bn": scales}}
    variables = {"params": params, "batch_stats": {"backbone": {"bn": stats}}}
    found = look([(1, 0, 1), (2, 0, 1)], network=Own, variables=variables)
    assert found.norms == {} and found.relus["backbone/dense"].tolist() == [True, False, False, True]


@pytest.mark.parametrize("whole", [True, False])
def test_nothing_is_compiled_for_a_network_without_either(whole, monkeypatch):
    class Plain(Network):
        def features(self, x, train):
            return x

    monkeypatch.setattr("jax.device_get", lambda values: pytest.fail("it was run"))
    params = {"head": {"classifier": {"kernel": jnp.ones((1, 2)), "bias": jnp.zeros(2)}}}
    assert look([(1, 0, 1)], network=Plain, variables={"params": params}, whole=whole) is None
