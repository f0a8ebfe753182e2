"""What differs between releases of the same network: one explicit choice for each origin of weights.

A network takes its `Conventions` as its only switch, so that a file of weights and the network that reads it agree in
everything or are refused. A network trained from scratch follows torchvision.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from study_classification.config import nearest
from study_classification.errors import ConfigError


@dataclass(frozen=True)
class Conventions:
    """One origin of weights.

    Attributes:
        name: `torchvision`, `timm`, `timm_tf` (timm's `tf_` variants) or `keras` (keras.applications).
        same_padding: TensorFlow's SAME (at stride 2 more after than before) instead of symmetric padding.
        bn_epsilon: added to the variance; ResNet of Keras has its own, see `resnet.py`.
        bn_momentum: share of the old running statistics that a training step keeps.
    """

    name: str
    same_padding: bool
    bn_epsilon: float
    bn_momentum: float

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


def conventions_of(origin: str) -> Conventions:
    """The conventions of an origin; '' is torchvision.

    Raises:
        ConfigError: for an unknown origin.
    """
    if origin and origin not in CONVENTIONS:
        raise ConfigError(f"model.origin is '{origin}': {nearest(origin, CONVENTIONS)}")
    return CONVENTIONS[origin or "torchvision"]
