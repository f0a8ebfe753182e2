"""Tables from the names of layers in other libraries to the paths of this project.

A table is a list of (regular expression, replacement). They are applied one after the other, by `re.sub`, to the name
of a module, such as `layer1.0.conv1` (PyTorch) or `conv2_block1_1_conv` (Keras). The result is its path, such as
`backbone/layer1_0/conv1`. The tables are in `names_<family>.py`, and `families.py` puts them together.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Rules = list[tuple[str, str | Callable[[re.Match[str]], str]]]


@dataclass(frozen=True)
class Names:
    """The rules for the names of one network.

    Attributes:
        torch: rules for torchvision's and timm's names.
        keras: rules for the layer names of keras.applications; empty if Keras lacks the network.
        flattened: path of a dense layer -> [channels, height, width] of the map that it takes flattened. PyTorch
            flattens in this order, Keras and this project in the order height, width, channels.
        bgr_convolution: path of the first convolution, if Keras' weights expect blue before red. Its kernel is
            reversed at import, so that images stay RGB.
    """

    torch: Rules
    keras: Rules = field(default_factory=list)
    flattened: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    bgr_convolution: str = ""
