"""The networks: `create_model(config.model, num_classes)` gives a `Classifier`, a backbone with a head.

Pictures are float arrays [b, h, w, c], already normalised. A model's variables are `{'params': {'backbone': ...,
'head': ...}}`, and of a network with BatchNorm also `{'batch_stats': {'backbone': ...}}`; all are float32, whatever
`dtype` the backbone computes in.
"""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from ml_collections import ConfigDict

from study_classification.config import nearest
from study_classification.errors import ConfigError
from study_classification.models.mlp import MLP
from study_classification.models.original import Original
from study_classification.models.resnet import BasicBlock, Bottleneck, ResNet
from study_classification.models.resnet_cifar import CifarResNet

# name -> function of (config.model, dtype) that gives a backbone: (pictures [b, h, w, c], train) -> feature map
# [b, h', w', c'], or features [b, d] where the network is not pooled globally.
MODELS: dict[str, Callable[[ConfigDict, DTypeLike], nn.Module]] = {
    "original": lambda config, dtype: Original(dtype),
    "mlp": lambda config, dtype: MLP(tuple(config.hidden), config.dropout, dtype),
    "resnet18": lambda config, dtype: ResNet(BasicBlock, (2, 2, 2, 2), dtype),
    "resnet34": lambda config, dtype: ResNet(BasicBlock, (3, 4, 6, 3), dtype),
    "resnet50": lambda config, dtype: ResNet(Bottleneck, (3, 4, 6, 3), dtype),
    "resnet101": lambda config, dtype: ResNet(Bottleneck, (3, 4, 23, 3), dtype),
    "resnet152": lambda config, dtype: ResNet(Bottleneck, (3, 8, 36, 3), dtype),
    "resnet20": lambda config, dtype: CifarResNet(3, dtype),
    "resnet32": lambda config, dtype: CifarResNet(5, dtype),
    "resnet44": lambda config, dtype: CifarResNet(7, dtype),
    "resnet56": lambda config, dtype: CifarResNet(9, dtype),
}
MODELS["resnet"] = MODELS["resnet50"]  # the study group's name for it


class Head(nn.Module):
    """Dropout and the last layer, in float32 (LeCun-normal kernel, zero bias)."""

    num_classes: int
    dropout: float = 0.0

    def pool(self, x: jax.Array) -> jax.Array:
        """Feature map [b, h, w, d] -> its average over the picture [b, d]; features [b, d] stay. Gives float32.

        Pooling is the head's, since another head may pool otherwise over the same backbone.
        """
        x = x.astype(jnp.float32)
        return x.mean((1, 2)) if x.ndim == 4 else x

    @nn.compact
    def __call__(self, features: jax.Array, train: bool) -> jax.Array:
        """Features [b, d] -> logits [b, num_classes]."""
        x = nn.Dropout(self.dropout, deterministic=not train, name="dropout")(features)
        return nn.Dense(self.num_classes, name="classifier")(x)


class Classifier(nn.Module):
    backbone: nn.Module
    head: Head

    def features(self, x: jax.Array, train: bool) -> jax.Array:
        """Pictures [b, h, w, c] -> features float32 [b, d], what `head` takes."""
        return self.head.pool(self.backbone(x, train))

    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Pictures [b, h, w, c] -> logits float32 [b, num_classes].

        `train` turns dropout on (apply needs `rngs={'dropout': key}`) and normalises by the batch's statistics
        (apply needs `mutable=['batch_stats']`).
        """
        return self.head(self.features(x, train), train)


def create_model(model_config: ConfigDict, num_classes: int, dtype: DTypeLike = jnp.float32) -> Classifier:
    """Gives the classifier `model_config.name`, whose backbone computes in `dtype`; ConfigError for an unknown name."""
    name = model_config.name
    if name not in MODELS:
        raise ConfigError(f"model.name is '{name}', which is no model: {nearest(name, MODELS)}")
    return Classifier(MODELS[name](model_config, dtype), Head(num_classes, model_config.dropout))
