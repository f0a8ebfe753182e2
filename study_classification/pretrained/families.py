"""Tells which table of names belongs to which network."""

import re

from study_classification.errors import WeightsError
from study_classification.models.efficientnet import VARIANTS
from study_classification.models.vgg import STAGE_SIZES
from study_classification.pretrained import (
    names_alexnet,
    names_efficientnet,
    names_mobilenet_v2,
    names_resnet,
    names_squeezenet,
    names_vgg,
)
from study_classification.pretrained.names import Names

# the first letters of the name of a network, or its whole name -> its table of names
_FAMILIES = {
    **{name: Names(names_efficientnet.torch(name), names_efficientnet.KERAS) for name in VARIANTS},
    "alexnet": Names(names_alexnet.TORCH, flattened={"head/dense1": (256, 6, 6)}),
    "mobilenet": Names(names_mobilenet_v2.TORCH, names_mobilenet_v2.KERAS),
    "resnet": Names(names_resnet.TORCH, names_resnet.KERAS, bgr_convolution="backbone/conv1"),
    "squeezenet": Names(names_squeezenet.TORCH),
} | {
    f"vgg{layers}{suffix}": Names(
        names_vgg.torch(layers, batch_norm=bool(suffix)),
        names_vgg.KERAS,
        flattened={"head/dense1": (512, 7, 7)},
        bgr_convolution="backbone/block1_conv1",
    )
    for layers in STAGE_SIZES
    for suffix in ("", "_bn")
}


def names_of(model_name: str) -> Names:
    """The table of the names of a network in files of other libraries.

    Raises:
        WeightsError: if no other library has the network.
    """
    names = _FAMILIES.get(model_name) or _FAMILIES.get(re.split("[^a-z]", model_name)[0])
    if names is None:
        raise WeightsError(
            f"no other library has weights of {model_name}: choose another model.name, or give the directory of a run "
            "of this project"
        )
    return names
