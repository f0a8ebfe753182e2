"""What other libraries call the layers of a network: tables from their names to this project's paths.

A table is a list of (regular expression, replacement), applied one after the other as `re.sub` to a module's name,
such as `layer1.0.conv1` (PyTorch) or `conv2_block1_1_conv` (Keras); what comes out is its path, such as
`backbone/layer1_0/conv1`. The tables are in `names_<family>.py`; `families.py`
puts them together.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Rules = list[tuple[str, str | Callable[[re.Match[str]], str]]]


@dataclass(frozen=True)
class Names:
    """How to read the files of a network.

    Attributes:
        torch: rules for torchvision's and timm's names.
        keras: rules for the layer names of keras.applications; empty where Keras has no such network.
        flattened: path of a dense layer -> [channels, height, width] of the map that it takes flattened, which PyTorch
            flattens in this order and Keras and this project in the order height, width, channels.
        bgr_convolution: path of the first convolution where Keras' weights expect blue before red; its kernel is
            turned at import, so that images stay RGB.
    """

    torch: Rules
    keras: Rules = field(default_factory=list)
    flattened: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    bgr_convolution: str = ""
