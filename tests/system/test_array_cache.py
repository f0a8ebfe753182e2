import numpy as np
import pytest

from study_classification.system.array_cache import cached_arrays


def test_each_identity_has_its_arrays_which_are_computed_once(tmp_path):
    def fill_with(value):
        def fill(create):
            create("numbers", np.int32, (2,))[:] = value

        return fill

    assert list(cached_arrays(tmp_path, ["a", 1], fill_with(1))["numbers"]) == [1, 1]
    assert list(cached_arrays(tmp_path, ["a", 2], fill_with(2))["numbers"]) == [2, 2]
    assert list(cached_arrays(tmp_path, ["a", 1], fill_with(3))["numbers"]) == [1, 1]


def test_nobody_changes_what_is_cached(tmp_path):
    found = cached_arrays(tmp_path, ["a"], lambda create: create("numbers", np.int32, (2,)).fill(1))["numbers"]
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 5
