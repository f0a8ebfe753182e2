import pytest

from study_classification.configs import default
from study_classification.errors import ConfigError
from study_classification.tasks.create import create_task
from study_classification.tasks.regression import Regression


@pytest.fixture
def named():
    def task_config(name, **fields):
        config = default.get_config().task
        config.update({"name": name} | fields)
        return config

    return task_config


def test_outputs(named):
    outputs = {name: create_task(named(name), ("cat", "dog")).num_outputs for name in ("softmax", "sigmoid")}
    assert outputs == {"softmax": 2, "sigmoid": 1}
    task = create_task(named("regression", loss="huber", huber_delta=2.0), (), kept={"mean": 5.0, "std": 3.0})
    assert task == Regression("huber", 2.0, 5.0, 3.0)
    assert not create_task(named("regression", standardized=False), ()).standardized
    smoothed = [create_task(named(name), ("cat", "dog"), 0.25).label_smoothing for name in ("softmax", "sigmoid")]
    assert smoothed == [0.25, 0.25]


@pytest.mark.parametrize(("positive", "index"), [("", 1), ("dog", 1), ("cat", 0)])
def test_the_second_class_is_positive_unless_one_is_named(named, positive, index):
    assert create_task(named("sigmoid", positive=positive), ("cat", "dog"), 0.1).positive == index


@pytest.mark.parametrize(
    ("positive", "class_names", "message"),
    [
        ("dgo", ("cat", "dog"), "task.positive is 'dgo', which is no class: did you mean dog?"),
        ("", ("a",), r"tells two classes apart, but the data have 1 \(a\): set it to softmax"),
        ("", ("a", "b", "c"), r"tells two classes apart, but the data have 3 \(a, b, c\): set it to softmax"),
        ("", tuple("abcdefg"), r"have 7 \(a, b, c, d, e, ...\)"),
    ],
)
def test_sigmoid_needs_two_classes(named, positive, class_names, message):
    with pytest.raises(ConfigError, match=message):
        create_task(named("sigmoid", positive=positive), class_names)
