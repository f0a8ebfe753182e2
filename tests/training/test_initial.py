import numpy as np
from flax.traverse_util import flatten_dict

from study_classification.training.initial import initial_variables
from study_classification.training.setup import resolve_config


def test_the_seed_decides_the_initial_weights(config):
    def kernels(seed):
        config.seed = seed
        params = flatten_dict(initial_variables(resolve_config(config))["params"], sep="/")
        return {path: np.asarray(leaf) for path, leaf in params.items() if path.endswith("kernel")}

    first, again, other = kernels(3), kernels(3), kernels(4)
    assert first.keys() == {"backbone/conv/kernel", "backbone/dense/kernel", "head/classifier/kernel"}
    for path, kernel in first.items():
        np.testing.assert_array_equal(kernel, again[path])
        assert np.mean(kernel == other[path]) < 0.01
