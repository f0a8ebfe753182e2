"""Names of AlexNet: torchvision numbers the layers of `features` and `classifier`, ReLU, pools and dropout included."""

from study_classification.pretrained.names import Rules

TORCH: Rules = [
    *((rf"^features\.{index}$", f"backbone/conv{i}") for i, index in enumerate((0, 3, 6, 8, 10), start=1)),
    (r"^classifier\.1$", "head/dense1"),
    (r"^classifier\.4$", "head/dense2"),
    (r"^classifier\.6$", "head/classifier"),
]
