import re

import jax
import numpy as np

from study_classification.inference import predictor
from study_classification.inference.weights import describe_weights


def test_weights_near_zero_are_counted(run, monkeypatch):
    load_model, asked = predictor.load_model, []

    def with_zeros(*given):
        asked.append(given[1])
        step, variables = load_model(*given)
        params = jax.tree.map(lambda leaf: np.full(leaf.shape, 0.5, np.float32), variables["params"])
        (last,) = params["head"].values()
        last["bias"][:] = 0  # which is no kernel
        last["kernel"][:2] = [(0.0, -0.0009, 0.0011), (-0.5, -0.5, -0.5)]
        return step, variables | {"params": params}

    monkeypatch.setattr(predictor, "load_model", with_zeros)
    _, small, total = re.match(r"After step (\d+), (\d) of ([\d,]+) weights", describe_weights(run)).groups()
    assert asked == ["last"]
    assert (small, total) == ("2", f"{3 * 3 * 8 + 8 * 8 * 8 * 16 + 16 * 3:,}")
