"""Names of SqueezeNet 1.1 in torchvision: `features.3.squeeze` is fire2's; between the fire modules lie the pools."""

from study_classification.pretrained.names import Rules

_FIRES = {3: "fire2", 4: "fire3", 6: "fire4", 7: "fire5", 9: "fire6", 10: "fire7", 11: "fire8", 12: "fire9"}

TORCH: Rules = [
    (r"^features\.0$", "backbone/conv1"),
    *((rf"^features\.{i}\.", f"backbone/{fire}/") for i, fire in _FIRES.items()),
    (r"^classifier\.1$", "head/classifier"),
]
