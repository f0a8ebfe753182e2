import jax
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.models.head import Head, adaptive_average
from study_classification.optim.freezing import trainable_mask


def test_pool_averages_maps_in_float32_and_keeps_vectors():
    maps = jnp.array([1, 2, 3, 256], jnp.bfloat16).reshape(1, 2, 2, 1)
    assert Head(10).pool(maps).tolist() == [[65.5]]  # bfloat16 knows 65.5, but not the sum of 262
    assert Head(10).pool(jnp.ones((3, 7))).shape == (3, 7)


def test_average_over_cells_that_overlap_as_in_pytorch():
    x = jnp.arange(1.0, 6).reshape(1, 5, 1, 1) * jnp.ones((1, 5, 7, 1))
    # 5 pixels in 3 cells: 0..2, 1..4, 3..5
    np.testing.assert_allclose(adaptive_average(x, 3)[0, :, 0, 0], [1.5, 3, 4.5])
    assert adaptive_average(x, 3).shape == (1, 3, 3, 1)
    np.testing.assert_array_equal(adaptive_average(x[:, :3, :3], 3), x[:, :3, :3])
    # 1 pixel is in every cell
    np.testing.assert_array_equal(adaptive_average(x[:, :1, :1], 2), jnp.ones((1, 2, 2, 1)))


def test_head_with_hidden_layers_by_hand():
    head = Head(1, grid=2, hidden=(2,))
    features = head.pool(jnp.arange(8.0).reshape(1, 2, 2, 2))
    np.testing.assert_array_equal(features, [np.arange(8)])
    params = {
        "dense1": {"kernel": jnp.ones((8, 2)) * jnp.array([1, -1]), "bias": jnp.array([2.0, 1])},
        "classifier": {"kernel": jnp.array([[10.0], [100]]), "bias": jnp.array([1.0])},
    }
    assert head.apply({"params": params}, features, train=False).tolist() == [[10 * (28 + 2) + 1]]


def test_dropout_follows_each_hidden_layer():
    head = Head(64, dropout=0.5, hidden=(64, 64))
    params = {name: {"kernel": jnp.eye(64), "bias": jnp.zeros(64)} for name in ("dense1", "dense2", "classifier")}
    output = head.apply({"params": params}, jnp.ones((1, 64)), train=True, rngs={"dropout": jax.random.key(0)})
    # a unit lives through both with probability 1/4, doubled twice
    assert set(output.ravel().tolist()) == {0, 4}
    assert 4 <= (output == 4).sum() <= 30


@pytest.mark.parametrize(
    ("pooling", "features"), [("average", [3, 4]), ("max", [6, 7]), ("flatten", [0, 1, 2, 3, 4, 5, 6, 7])]
)
def test_poolings_by_hand(pooling, features):
    assert Head(1, pooling=pooling).pool(jnp.arange(8.0).reshape(1, 2, 2, 2)).tolist() == [features]


def test_batch_norm_follows_the_relu_of_a_hidden_layer():
    head = Head(1, hidden=(1,), batch_norm=True)
    variables = {
        "params": {
            "dense1": {"kernel": jnp.ones((1, 1)), "bias": jnp.zeros(1)},
            "bn1": {"scale": jnp.ones(1), "bias": jnp.zeros(1)},
            "classifier": {"kernel": jnp.ones((1, 1)), "bias": jnp.zeros(1)},
        },
        "batch_stats": {"bn1": {"mean": jnp.zeros(1), "var": jnp.ones(1)}},
    }
    features = jnp.array([[-5.0], [1], [2], [5]])  # after ReLU 0, 1, 2, 5: mean 2, variance 3.5
    logits, updated = head.apply(variables, features, train=True, mutable=["batch_stats"])
    np.testing.assert_allclose(logits[:, 0], np.array([-2, -1, 0, 3]) / np.sqrt(3.5 + 1e-5), rtol=1e-5)
    np.testing.assert_allclose(updated["batch_stats"]["bn1"]["mean"], [0.2], rtol=1e-5)
    np.testing.assert_allclose(updated["batch_stats"]["bn1"]["var"], [0.9 + 0.35], rtol=1e-5)


def test_the_head_of_the_vgg_lesson(make_model, shapes):
    """Flatten, dense 256, BatchNorm, dropout, dense, behind a VGG-16 whose first four blocks are frozen."""
    own = {"pooling": "flatten", "hidden": (256,), "batch_norm": True}
    variables = shapes(make_model("vgg16", num_classes=3, head=own), 224, 224, 3)
    head = jax.tree.map(lambda leaf: leaf.size, variables["params"]["head"])
    assert head == {
        "dense1": {"kernel": 7 * 7 * 512 * 256, "bias": 256},
        "bn1": {"scale": 256, "bias": 256},
        "classifier": {"kernel": 3 * 256, "bias": 3},
    }
    mask = trainable_mask(variables["params"], "fine_tuning", ["backbone/block[1-4]_"])
    pairs = zip(jax.tree.leaves(variables["params"]["backbone"]), jax.tree.leaves(mask["backbone"]), strict=True)
    trained = sum(leaf.size for leaf, wanted in pairs if wanted)
    assert trained == 3 * (3 * 3 * 512 * 512 + 512)  # the three convolutions of block 5


def test_hidden_layers_alone_keep_the_average(make_model, shapes):
    variables = shapes(make_model("squeezenet1_1", head={"hidden": (8,)}), 64, 64, 3)
    assert variables["params"]["head"]["dense1"]["kernel"].shape == (512, 8)
