import jax.numpy as jnp

from study_classification.configs.lessons import vgg
from study_classification.models import create_model
from study_classification.models.initial import variable_shapes
from study_classification.optim.freezing import trainable_mask
from study_classification.trees import count_parameters


def test_what_is_trained_is_what_is_counted_by_hand():
    config = vgg.get_config("data=x")
    params = variable_shapes(create_model(config.model, 10, jnp.float32), (32, 32, 3))["params"]
    mask = trainable_mask(params, config.learning, config.fine_tuning.frozen)
    block5, hidden, norm, last = 3 * (9 * 512 * 512 + 512), 512 * 256 + 256, 2 * 256, 256 * 10 + 10
    assert count_parameters(params, mask) == block5 + hidden + norm + last == 7_213_834
    assert count_parameters(params) == 14_849_098
