import numpy as np

from study_classification.trees import combine, count_parameters, filter_tree, partition

TREE = {"a": np.ones((2, 3)), "b": {"c": np.zeros(4), "d": np.ones(5)}}
MASK = {"a": True, "b": {"c": False, "d": True}}


def test_parts_make_the_whole():
    trained, frozen = partition(TREE, MASK)
    assert (trained["b"]["c"], frozen["a"], frozen["b"]["d"]) == (None, None, None)
    assert filter_tree(TREE, MASK)["a"] is TREE["a"]
    whole = combine(trained, frozen)
    assert whole["a"] is TREE["a"]
    assert whole["b"]["c"] is TREE["b"]["c"]
    assert whole["b"]["d"] is TREE["b"]["d"]


def test_counting():
    assert count_parameters(TREE) == 15
    assert count_parameters(TREE, MASK) == 11
