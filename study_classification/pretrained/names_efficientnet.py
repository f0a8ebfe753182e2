"""Names of EfficientNet: torchvision `features.2.0.block.1.0`, timm `blocks.1.0.conv_dw`, Keras `block2a_dwconv`."""

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
TORCH = TORCHVISION + TIMM
KERAS: Rules = [
    (r"^block(\d)([a-z])_", lambda match: f"backbone/stage{match[1]}_{ord(match[2]) - ord('a')}/"),
    (r"^(stem|top)_", r"backbone/\1/"),
    (r"/dwconv$", "/depthwise/conv"),
    (r"(stage\d_\d+)/bn$", r"\1/depthwise/bn"),
    (r"/(expand|project)_(conv|bn)$", r"/\1/\2"),
    (r"/se_", "/se/"),
    (r"^predictions$", "head/classifier"),
]
