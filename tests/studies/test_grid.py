import pytest

from study_classification.configs import default
from study_classification.errors import ConfigError
from study_classification.studies.grid import Sweep, along, checked_sweep, curve_of, grid, run_name


def test_a_grid_has_all_combinations():
    sweep = grid({"batch_size": [8, 16], "optimizer.name": ["sgd", "adam"]}, seeds=[5])
    assert sweep == Sweep(
        {
            "batch_size=8 optimizer.name=sgd": {"batch_size": 8, "optimizer.name": "sgd"},
            "batch_size=8 optimizer.name=adam": {"batch_size": 8, "optimizer.name": "adam"},
            "batch_size=16 optimizer.name=sgd": {"batch_size": 16, "optimizer.name": "sgd"},
            "batch_size=16 optimizer.name=adam": {"batch_size": 16, "optimizer.name": "adam"},
        },
        [5],
    )
    assert checked_sweep(sweep, default.get_config()).seeds == (5,)


def test_runs_lie_in_directories_that_any_system_can_have():
    assert run_name("model.hidden=8,4 optimizer.name=sgd", 3) == "model.hidden=8,4_optimizer.name=sgd-seed3"
    assert run_name("../小さい: a/b", 0) == "小さい_a_b-seed0"
    assert run_name("a" * 200, 11) == "a" * 100 + "-seed11"


@pytest.mark.parametrize(
    ("sweep", "sentence"),
    [
        ({"a": {}}, "sweep() gives {'a': {}}, but must give grid(...), or Sweep(...) with settings"),
        (Sweep({}), "but must give grid(...)"),
        (Sweep({"a": {}}, seeds=()), "gives the seeds (), but must give different whole numbers"),
        (Sweep({"a": {}}, seeds=(1, 1)), "different whole numbers"),
        (Sweep({"a": {}}, seeds=3), "gives the seeds 3, but must give different whole numbers"),
        (Sweep({"a": {}}, seeds=(0, -1)), "sweep(): seed is -1, but must be 0 or more, and below 2**31 - 1"),
        (Sweep({1: {}}), "gives 1 the settings {}: give Sweep({NAME: {FIELD: VALUE}}), with a text as each name"),
        (Sweep({"a": None}), "gives 'a' the settings None: give Sweep("),
        (Sweep({"a": {}}, along="batch_size"), "compares along batch_size, which 'a' does not set: give along(FIELD"),
        (Sweep({"a": {"seed": 3}}), "sets the field seed of 'a': give all seeds as seeds=(...)"),
        (Sweep({"a": {"batchsize": 3}}), "did you mean batch_size?"),
        (Sweep({"a": {"batch_size": 0}}), "sweep(), 'a': batch_size is 0, but must be greater than 0"),
        (Sweep({"a": {"optimizer.momentum": 0.5}}), "'a': optimizer.momentum is set, but optimizer.name is adam"),
        (Sweep({"a b": {}, "a/b": {}}), "names settings 'a b' and 'a/b', which is the same as the name of a directory"),
    ],
)
def test_what_makes_no_sweep_is_refused(sweep, sentence):
    with pytest.raises(ConfigError) as raised:
        checked_sweep(sweep, default.get_config())
    assert sentence in str(raised.value)


@pytest.mark.parametrize("values", ["adam", 3, []])
def test_a_grid_takes_lists(values):
    with pytest.raises(ConfigError, match=r"grid takes a list of values for each field"):
        grid({"optimizer.name": values})


def test_a_sweep_along_a_field_names_each_point_of_each_curve():
    sweep = along("data.per_class", (5, 10), {"a": {}, "b": {"batch_size": 2}}, seeds=(0,))
    assert list(sweep.settings) == ["a, 5", "b, 5", "a, 10", "b, 10"]
    assert sweep.settings["b, 10"] == {"batch_size": 2, "data.per_class": 10}
    assert [curve_of(name) for name in sweep.settings] == ["a", "b", "a", "b"]
    assert curve_of("a, wide, 0.1") == "a, wide"
    assert checked_sweep(sweep, default.get_config()) == Sweep(sweep.settings, (0,), "data.per_class")
    with pytest.raises(ConfigError, match="sets batch_size in 'b', but it is the field along which all are compared"):
        along("batch_size", (1, 2), {"b": {"batch_size": 2}})
