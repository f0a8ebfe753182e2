"""Names of VGG: torchvision and timm number the layers of `features`, ReLU and pools too; Keras names blocks."""

from study_classification.models.vgg import STAGE_SIZES
from study_classification.pretrained.names import Rules

# timm writes the dense layers as convolutions, `pre_logits.fc1`, `pre_logits.fc2` and `head.fc`.
_TORCH_HEAD: Rules = [
    (r"^(classifier\.0|pre_logits\.fc1)$", "head/dense1"),
    (r"^(classifier\.3|pre_logits\.fc2)$", "head/dense2"),
    (r"^(classifier\.6|head\.fc)$", "head/classifier"),
]

KERAS: Rules = [
    (r"^(block\d_conv\d)$", r"backbone/\1"),
    (r"^fc(\d)$", r"head/dense\1"),
    (r"^predictions$", "head/classifier"),
]


def torch(layers: int, batch_norm: bool) -> Rules:
    """The rules of torchvision: `features.7` is the second convolution of the second block in VGG-16."""
    rules: Rules = []
    index = 0
    for i, convs in enumerate(STAGE_SIZES[layers], start=1):
        for j in range(1, convs + 1):
            rules.append((rf"^features\.{index}$", f"backbone/block{i}_conv{j}"))
            if batch_norm:
                rules.append((rf"^features\.{index + 1}$", f"backbone/block{i}_bn{j}"))
            index += 3 if batch_norm else 2  # with the ReLU
        index += 1  # the pool
    return rules + _TORCH_HEAD
