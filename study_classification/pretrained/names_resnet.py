"""Names of ResNet: torchvision, timm and this project use the same names, except for the `.` of a list."""

from study_classification.pretrained.names import Rules

TORCH: Rules = [
    (r"^(fc|linear)$", "head/classifier"),  # `linear` in ResNets for CIFAR
    (r"^(?!head/)", "backbone/"),
    (r"\.(\d+)", r"_\1"),
    (r"\.", "/"),
]

# conv2_block1_1_conv is the first convolution of the first block of the first layer, conv2_block1_0_conv its shortcut
KERAS: Rules = [
    (r"^(predictions|probs)$", "head/classifier"),
    (r"^conv1_(conv|bn)$", r"backbone/\g<1>1"),
    (r"^conv(\d)_block(\d+)_(.*)$", lambda match: f"backbone/layer{int(match[1]) - 1}_{int(match[2]) - 1}/{match[3]}"),
    (r"/0_conv$", "/downsample_0"),
    (r"/0_bn$", "/downsample_1"),
    (r"/(\d)_(conv|bn)$", r"/\2\1"),
]
