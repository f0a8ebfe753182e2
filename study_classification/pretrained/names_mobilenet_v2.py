"""Names of MobileNetV2: torchvision `features.2.conv.1.0`, timm `blocks.1.0.conv_dw`, Keras `block_1_depthwise`."""

from study_classification.models.mobilenet_v2 import STAGES
from study_classification.pretrained.names import Rules
from study_classification.pretrained.names_efficientnet import TIMM

# torchvision and Keras count the 17 blocks through.
_BLOCKS = [f"backbone/stage{i}_{j}/" for i, (_, _, blocks, _) in enumerate(STAGES, start=1) for j in range(blocks)]

TORCHVISION: Rules = [
    (r"^features\.0\.", "backbone/stem/"),
    (r"^features\.18\.", "backbone/top/"),
    (r"^features\.([1-9]|1[0-7])\.conv\.", lambda match: _BLOCKS[int(match[1]) - 1]),
    (r"/stage1_0/(\d)", lambda match: f"/stage1_0/{int(match[1]) + 1}"),  # the first block has no expansion
    (r"/0\.(\d)$", r"/expand/\1"),
    (r"/1\.(\d)$", r"/depthwise/\1"),
    (r"/2$", "/project/0"),
    (r"/3$", "/project/1"),
    (r"/0$", "/conv"),
    (r"/1$", "/bn"),
    (r"^classifier\.1$", "head/classifier"),
]
TORCH = TORCHVISION + TIMM
KERAS: Rules = [
    (r"^expanded_conv_", "block_0_"),
    (r"^block_(\d|1[0-6])_", lambda match: _BLOCKS[int(match[1])]),
    (r"/(expand|depthwise|project)$", r"/\1/conv"),
    (r"/(expand|depthwise|project)_BN$", r"/\1/bn"),
    (r"^Conv1$", "backbone/stem/conv"),
    (r"^bn_Conv1$", "backbone/stem/bn"),
    (r"^Conv_1$", "backbone/top/conv"),
    (r"^Conv_1_bn$", "backbone/top/bn"),
    (r"^(predictions|Logits)$", "head/classifier"),  # Logits in the first releases
]
