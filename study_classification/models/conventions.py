"""The differences between releases of the same network: one explicit choice for each origin of weights.

`Conventions` are the only switch of a network, so a file of weights and the network that reads it agree in everything,
or the file is refused. A network trained from scratch follows torchvision.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from study_classification.errors import ConfigError, nearest


@dataclass(frozen=True)
class Conventions:
    """One origin of weights.

    Attributes:
        name: `torchvision`, `timm`, `timm_tf` (timm's `tf_` variants) or `keras` (keras.applications).
        same_padding: TensorFlow's SAME (at stride 2 more after than before) instead of symmetric padding.
        bn_epsilon: added to the variance.
        bn_momentum: the share of the running statistics that a training step keeps.
        conv_bias: whether convolutions before a BatchNorm have a bias nevertheless.
        stride_first: whether a bottleneck has its stride in the first convolution (1x1, as in the paper) instead of the
            3x3 one.
    """

    name: str
    same_padding: bool
    bn_epsilon: float
    bn_momentum: float
    conv_bias: bool = False
    stride_first: bool = False

    def padding(self, kernel: int, stride: int) -> str | Sequence[tuple[int, int]]:
        """The padding of a convolution that keeps the size at stride 1, as Flax takes it."""
        return "SAME" if self.same_padding else [(kernel // 2, kernel // 2)] * 2


CONVENTIONS = {
    conventions.name: conventions
    for conventions in (
        Conventions("torchvision", same_padding=False, bn_epsilon=1e-5, bn_momentum=0.9),
        Conventions("timm", same_padding=False, bn_epsilon=1e-5, bn_momentum=0.9),
        Conventions("timm_tf", same_padding=True, bn_epsilon=1e-3, bn_momentum=0.99),
        Conventions("keras", same_padding=True, bn_epsilon=1e-3, bn_momentum=0.99),
    )
}

# (origin, pattern of names of networks) -> what differs from the other releases of that origin
EXCEPTIONS: dict[tuple[str, str], dict[str, Any]] = {
    # The only release is TensorFlow's, so training from scratch follows it, too.
    ("torchvision", "efficientnet_lite.*"): {"same_padding": True, "bn_epsilon": 1e-3, "bn_momentum": 0.99},
    ("torchvision", "efficientnet_b[567]"): {"bn_epsilon": 1e-3, "bn_momentum": 0.99},  # trained by Google
    ("keras", "resnet.*"): {"same_padding": False, "bn_epsilon": 1.001e-5, "conv_bias": True, "stride_first": True},
    ("keras", "mobilenet_v2"): {"bn_momentum": 0.999},
}


def conventions_of(origin: str, model_name: str) -> Conventions:
    """The conventions that a network follows if its weights come from `origin`; '' is torchvision.

    Raises:
        ConfigError: for an unknown origin.
    """
    if origin and origin not in CONVENTIONS:
        raise ConfigError(f"model.origin is '{origin}': {nearest(origin, CONVENTIONS)}")
    conventions = CONVENTIONS[origin or "torchvision"]
    for (name, pattern), differences in EXCEPTIONS.items():
        if name == conventions.name and re.fullmatch(pattern, model_name):
            conventions = replace(conventions, **differences)
    return conventions
