import jax
import pytest

from study_classification.errors import ConfigError


def test_published_parameters(make_model, shapes):
    params = shapes(make_model("alexnet", num_classes=1000), 224, 224, 3)["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 61_100_840


# conv1 and its pool, conv2's pool, conv5's pool: 224: 55 27 | 13 | 6; 63: 15 7 | 3 | 1; 256: 63 31 | 15 | 7
@pytest.mark.parametrize(("size", "last"), [(224, 6), (63, 1), (256, 7)])
def test_sizes_of_maps(size, last, make_model, shapes):
    model = make_model("alexnet")
    variables = shapes(model, size, size, 3)
    maps = jax.eval_shape(
        lambda variables, x: model.apply(variables, x, method=lambda model, x: model.backbone(x, False)),
        variables,
        jax.ShapeDtypeStruct((1, size, size, 3), "float32"),
    )
    assert maps.shape == (1, last, last, 256)


@pytest.mark.parametrize(("name", "size"), [("alexnet", 62), ("vgg11", 31)])
def test_too_small_a_image_is_refused(name, size, make_model, shapes):
    with pytest.raises(ConfigError, match="image_size is too small"):
        shapes(make_model(name), size, size, 3)
