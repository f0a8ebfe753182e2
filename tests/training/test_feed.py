from types import SimpleNamespace

import numpy as np
import pytest

from study_classification.configs import default
from study_classification.errors import ConfigError, DataError
from study_classification.training.feed import _canvas_size, _fitting_batch_size, baseline, baseline_of_numbers


def fitting(batch_size, num_examples, num_devices, parts=1):
    config = default.get_config()
    config.batch_size, config.accumulate_steps = batch_size, parts
    return _fitting_batch_size(config, num_examples, num_devices)


def test_a_batch_has_no_more_examples_than_there_are_and_is_shared_evenly():
    assert [fitting(8, 8, 2), fitting(8, 7, 2), fitting(8, 7, 2, 2)] == [8, 6, 4]


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((10, 100, 4), ConfigError, "batch_size 10 cannot be split over 4 devices"),
        ((8, 100, 4, 4), ConfigError, "accumulate_steps is 4, but batch_size 8 on 4 devices"),
        ((8, 3, 4), DataError, "there are 3 training pictures for 4 devices"),
    ],
)
def test_what_devices_cannot_share(arguments, kind, message):
    """The first two are settings (exit code 2); the third is too few data (3)."""
    with pytest.raises(kind, match=message):
        fitting(*arguments)


def test_what_a_network_has_to_beat():
    assert baseline(np.array([2, 0, 2, 2]), ("cat", "dog", "horse"), "pictures") == (
        "Always saying horse would be right for 75.0% of the validation pictures"
    )
    assert baseline_of_numbers(np.array([1.0, 5.0], np.float32), 2.0, "rows") == (
        "Always saying 2, the mean of the training rows, would be wrong by 2 on average for the validation rows (mse 5)"
    )


def test_only_training_cuts_crops_from_a_canvas():
    for crops, sides in ((True, [20, 0]), (False, [0, 0])):
        experiment = SimpleNamespace(augmentation=SimpleNamespace(canvas_size=20, random_resized_crop=crops))
        assert [_canvas_size(experiment, name) for name in ("train", "validation")] == sides
