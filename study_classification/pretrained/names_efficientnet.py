"""Names of EfficientNet: torchvision `features.2.0.block.1.0`, timm `blocks.1.0.conv_dw`, Keras `block2a_dwconv`, and
`_blocks.1._depthwise_conv` of the packages efficientnet-pytorch and efficientnet-lite-pytorch."""

from study_classification.models.efficientnet import stage_sizes
from study_classification.pretrained.names import Rules

# timm's names of the inverted residual block, which it shares with MobileNetV2; the first stage has no expansion.
TIMM: Rules = [
    (r"^blocks\.(\d)\.(\d+)\.", lambda match: f"backbone/stage{int(match[1]) + 1}_{match[2]}/"),
    (r"(stage1_\d+)/(conv_dw|bn1)$", r"\1/depthwise/\2"),
    (r"(stage1_\d+)/(conv_pw|bn2)$", r"\1/project/\2"),
    (r"(stage\d_\d+)/(conv_pw|bn1)$", r"\1/expand/\2"),
    (r"(stage\d_\d+)/(conv_dw|bn2)$", r"\1/depthwise/\2"),
    (r"(stage\d_\d+)/(conv_pwl|bn3)$", r"\1/project/\2"),
    (r"/se\.conv_", "/se/"),
    (r"^(conv_stem|bn1)$", r"backbone/stem/\1"),
    (r"^(conv_head|bn2)$", r"backbone/top/\1"),
    (r"/conv_\w+$", "/conv"),
    (r"/bn\d$", "/bn"),
    (r"^classifier$", "head/classifier"),
]
TORCHVISION: Rules = [
    (r"^features\.0\.", "backbone/stem/"),
    (r"^features\.8\.", "backbone/top/"),
    (r"^features\.(\d)\.(\d+)\.block\.", r"backbone/stage\1_\2/"),
    (r"(stage1_\d+)/(\d)\.", lambda match: f"{match[1]}/{int(match[2]) + 1}."),  # the first stage has no expansion
    (r"/0\.(\d)$", r"/expand/\1"),
    (r"/1\.(\d)$", r"/depthwise/\1"),
    (r"/2\.fc1$", "/se/reduce"),
    (r"/2\.fc2$", "/se/expand"),
    (r"/3\.(\d)$", r"/project/\1"),
    (r"/0$", "/conv"),
    (r"/1$", "/bn"),
    (r"^classifier\.1$", "head/classifier"),
]
KERAS: Rules = [
    (r"^block(\d)([a-z])_", lambda match: f"backbone/stage{match[1]}_{ord(match[2]) - ord('a')}/"),
    (r"^(stem|top)_", r"backbone/\1/"),
    (r"/dwconv$", "/depthwise/conv"),
    (r"(stage\d_\d+)/bn$", r"\1/depthwise/bn"),
    (r"/(expand|project)_(conv|bn)$", r"/\1/\2"),
    (r"/se_", "/se/"),
    (r"^predictions$", "head/classifier"),
]


def torch(variant: str) -> Rules:
    """The rules of all three. The packages number blocks through all stages, so their rules depend on the variant."""
    blocks = [f"backbone/stage{i}_{j}/" for i, size in enumerate(stage_sizes(variant), start=1) for j in range(size)]
    packages: Rules = [
        (r"^_conv_stem$", "backbone/stem/conv"),
        (r"^_bn0$", "backbone/stem/bn"),
        (r"^_conv_head$", "backbone/top/conv"),
        (r"^_bn1$", "backbone/top/bn"),
        *((rf"^_blocks\.{index}\._", block) for index, block in enumerate(blocks)),
        (r"/(expand|depthwise|project)_conv$", r"/\1/conv"),
        (r"/bn0$", "/expand/bn"),
        (r"/bn1$", "/depthwise/bn"),
        (r"/bn2$", "/project/bn"),
        (r"/se_(reduce|expand)$", r"/se/\1"),
        (r"^_fc$", "head/classifier"),
    ]
    return packages + TORCHVISION + TIMM
