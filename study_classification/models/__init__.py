"""The networks: `create_model(config.model, num_classes)` gives a `Classifier`, a backbone with a head.

Images are float arrays [b, h, w, c], already normalised; rows of tables are float arrays [b, d], texts tokens
[b, length]. A model's variables are `{'params': {'backbone': ..., 'head': ...}}`, and of a network with BatchNorm also
`{'batch_stats': {'backbone': ...}}`; all are float32, whatever `dtype` the backbone computes in.

head.py          from the backbone's feature map to outputs
conventions.py   what differs between releases of the same network
initial.py       the variables of an untrained network
tracing.py       the layers that a network calls, in order
last_map.py      cuts a network in two at its last feature map
relus.py         a network with the values behind its ReLUs
cost.py          layers, parameters, floating-point operations, memory
layers/          what several networks share
original.py      the study group's small CNN
mlp.py           the multi-layer perceptron, also on averaged words
alexnet.py       AlexNet
vgg.py           VGG-11 to VGG-19
resnet.py        ResNet-18 to ResNet-152
resnet_cifar.py  ResNet-20 to ResNet-56 of CIFAR
efficientnet.py  EfficientNet-B0 to B7, Lite0 to Lite4
mobilenet_v2.py  MobileNetV2
squeezenet.py    SqueezeNet 1.1
airbench.py      CIFAR-10 in a few epochs
own.py           a user's own network, by file or module and class
"""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from ml_collections import ConfigDict

from study_classification.errors import ConfigError, nearest
from study_classification.models import efficientnet
from study_classification.models.airbench import Airbench
from study_classification.models.alexnet import AlexNet
from study_classification.models.conventions import Conventions, conventions_of
from study_classification.models.head import Head
from study_classification.models.mlp import MLP
from study_classification.models.mobilenet_v2 import MobileNetV2
from study_classification.models.original import Original
from study_classification.models.own import check_output, is_own, own_backbone
from study_classification.models.resnet import BasicBlock, Bottleneck, ResNet
from study_classification.models.resnet_cifar import CifarResNet
from study_classification.models.squeezenet import SqueezeNet, SqueezeNetHead
from study_classification.models.vgg import VGG


def _mlp(average: bool, config: ConfigDict, dtype: DTypeLike, conventions: Conventions) -> nn.Module:
    return MLP(
        tuple(config.hidden),
        max(config.dropout, 0.0),
        dtype,
        config.activation,
        config.batch_norm,
        embedding=config.embedding,
        average=average,
    )


def _efficientnet(name: str, config: ConfigDict, dtype: DTypeLike, conventions: Conventions) -> nn.Module:
    return efficientnet.EfficientNet(name, conventions, dtype)


# name -> function of (config.model, dtype, conventions) that gives a backbone: (images [b, h, w, c], train) ->
# feature map [b, h', w', c'], or features [b, d] where the network is not pooled globally. A backbone whose
# `batch_stats` hold statistics of the training images has a `statistics_of`: batches of images -> these.
MODELS: dict[str, Callable[[ConfigDict, DTypeLike, Conventions], nn.Module]] = {
    "original": lambda config, dtype, conventions: Original(dtype),
    "mlp": partial(_mlp, False),
    "text_average": partial(_mlp, True),
    "resnet18": lambda config, dtype, conventions: ResNet(BasicBlock, (2, 2, 2, 2), conventions, dtype),
    "resnet34": lambda config, dtype, conventions: ResNet(BasicBlock, (3, 4, 6, 3), conventions, dtype),
    "resnet50": lambda config, dtype, conventions: ResNet(Bottleneck, (3, 4, 6, 3), conventions, dtype),
    "resnet101": lambda config, dtype, conventions: ResNet(Bottleneck, (3, 4, 23, 3), conventions, dtype),
    "resnet152": lambda config, dtype, conventions: ResNet(Bottleneck, (3, 8, 36, 3), conventions, dtype),
    "resnet20": lambda config, dtype, conventions: CifarResNet(3, dtype),
    "resnet32": lambda config, dtype, conventions: CifarResNet(5, dtype),
    "resnet44": lambda config, dtype, conventions: CifarResNet(7, dtype),
    "resnet56": lambda config, dtype, conventions: CifarResNet(9, dtype),
    "airbench": lambda config, dtype, conventions: Airbench(dtype),
    "alexnet": lambda config, dtype, conventions: AlexNet(dtype),
    "vgg11": lambda config, dtype, conventions: VGG(11, False, conventions, dtype),
    "vgg13": lambda config, dtype, conventions: VGG(13, False, conventions, dtype),
    "vgg16": lambda config, dtype, conventions: VGG(16, False, conventions, dtype),
    "vgg19": lambda config, dtype, conventions: VGG(19, False, conventions, dtype),
    "vgg11_bn": lambda config, dtype, conventions: VGG(11, True, conventions, dtype),
    "vgg13_bn": lambda config, dtype, conventions: VGG(13, True, conventions, dtype),
    "vgg16_bn": lambda config, dtype, conventions: VGG(16, True, conventions, dtype),
    "vgg19_bn": lambda config, dtype, conventions: VGG(19, True, conventions, dtype),
    **{name: partial(_efficientnet, name) for name in efficientnet.VARIANTS},
    "mobilenet_v2": lambda config, dtype, conventions: MobileNetV2(conventions, dtype),
    "squeezenet1_1": lambda config, dtype, conventions: SqueezeNet(dtype),
}
# the study group's names
ALIASES = {"resnet": "resnet50", "efficientnet": "efficientnet_b4", "mobilenet": "mobilenet_v2"}
MODELS |= {alias: MODELS[name] for alias, name in ALIASES.items()}

# name -> rate of dropout in its paper, if it has any
DROPOUT = {
    "alexnet": 0.5,
    "squeezenet1_1": 0.5,
    "mobilenet_v2": 0.2,
    **{name: 0.5 for name in MODELS if name.startswith("vgg")},
    **{name: rate for name, (_, _, rate) in efficientnet.VARIANTS.items()},
}


class Classifier(nn.Module):
    backbone: nn.Module
    head: Head | SqueezeNetHead

    def features(self, x: jax.Array, train: bool) -> jax.Array:
        """Images [b, h, w, c] -> features float32 [b, d], or SqueezeNet's map [b, h, w, d]: what `head` takes."""
        features = self.backbone(x, train=train)
        check_output(self.backbone, features, x.shape[0])
        return self.head.pool(features)

    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Images [b, h, w, c] -> logits float32 [b, num_classes].

        `train` turns dropout on (apply needs `rngs={'dropout': key}`) and normalises by the batch's statistics
        (apply needs `mutable=['batch_stats']`).
        """
        return self.head(self.features(x, train), train)


# name -> function of (number of classes, rate of dropout) that gives the head, if that is not `Head`
HEADS: dict[str, Callable[[int, float], Head | SqueezeNetHead]] = {
    "squeezenet1_1": SqueezeNetHead,
    "airbench": partial(Head, pooling="max"),
    "alexnet": partial(Head, grid=6, hidden=(4096, 4096)),
    **{name: partial(Head, grid=7, hidden=(4096, 4096)) for name in MODELS if name.startswith("vgg")},
}


def create_model(
    model_config: ConfigDict, num_classes: int, dtype: DTypeLike = jnp.float32, num_tokens: int = 0
) -> Classifier:
    """Makes the classifier `model_config.name`, whose backbone computes in `dtype`.

    The name is one of `MODELS` or `ALIASES`, or names a user's own network, see `models/own.py`. A negative
    `model_config.dropout` or `drop_path` stands for the rate of the network's paper, and an empty `model_config.head`
    for the head of the paper. For texts, `num_tokens` is the number of different tokens.

    Raises:
        ConfigError: for an unknown name or origin, for a user's own network that breaks the protocol, or
            for stochastic depth of a network without residual branches.
    """
    name = ALIASES.get(model_config.name, model_config.name)
    if name not in MODELS and not is_own(name):
        advice = f"add its class behind a colon, {name}:CLASS" if name.endswith(".py") else nearest(name, MODELS)
        raise ConfigError(f"model.name is '{name}', which is no model: {advice}")
    conventions = conventions_of(model_config.get("origin", ""), name)
    dropout = model_config.dropout if model_config.dropout >= 0 else DROPOUT.get(name, 0.0)
    head, own = HEADS.get(name, Head), model_config.head
    if pooling := pooling_of(own):
        head = partial(Head, pooling=pooling, hidden=tuple(own.hidden), batch_norm=own.batch_norm)
    backbone = own_backbone(name, dtype) if is_own(name) else MODELS[name](model_config, dtype, conventions)
    drop_path = model_config.get("drop_path", -1.0)  # runs of earlier versions lack it
    if drop_path > 0 and not hasattr(backbone, "drop_path"):
        raise ConfigError(f"model.drop_path is {drop_path}, but {name} has no residual branches to leave out: drop it")
    if drop_path >= 0 and hasattr(backbone, "drop_path"):
        backbone = backbone.clone(drop_path=drop_path)
    if num_tokens and hasattr(backbone, "num_tokens"):
        backbone = backbone.clone(num_tokens=num_tokens)
    return Classifier(backbone, head(num_classes, dropout))


def is_linear(head: nn.Module) -> bool:
    """Whether a head is one linear layer behind the pooled features."""
    return isinstance(head, Head) and not head.hidden


def pooling_of(head_config: ConfigDict) -> str:
    """The pooling of a head in the config; average if it has only hidden layers; '' for the head of the paper."""
    return head_config.pooling or ("average" if head_config.hidden or head_config.batch_norm else "")
