"""Finds the origin of weights, and the preprocessing that belongs to them.

The tensors of a file tell its layout, but not always the padding and epsilon of its training, and never the
preprocessing. Both are read where possible, and else taken from the tables here. These hold the defaults of torchvision
0.28 (first release of each network), timm 1.0 and keras.applications. A `config.json` of timm beside the file tells
both; every timm repository of the Hugging Face hub has one.
"""

import json
import math
import re

import numpy as np

from study_classification.errors import WeightsError
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.models.conventions import conventions_of
from study_classification.paths import read_file
from study_classification.pretrained.convert import path_of
from study_classification.pretrained.files import TensorFile

# mean and standard deviation of RGB on the scale 0..1
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
INCEPTION = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
LITE = ((127 / 255,) * 3, (128 / 255,) * 3)
CAFFE = (tuple(mean / 255 for mean in (123.68, 116.779, 103.939)), (1 / 255,) * 3)  # 0..255 minus the mean

# image_size and resize_size of Lite0, Lite1, ...: crops of 0.875, 0.882, 0.89, 0.904, 0.92
_LITE_SIZES = ((224, 256), (240, 272), (260, 292), (300, 331), (380, 413))

# in `pretrained_cfg` of timm's config.json
CARD_FIELDS = {"input_size", "crop_pct", "interpolation", "mean", "std"}

# origin -> of EfficientNet B0, B1, ...: image_size, resize_size
_TF_SIZES = ((224, 256), (240, 272), (260, 292), (300, 331), (380, 412), (456, 488), (528, 560), (600, 632))
_EFFICIENTNET_SIZES = {
    "torchvision": ((224, 256), (240, 256), (288, 288), (300, 320), (380, 384), (456, 456), (528, 528), (600, 600)),
    "timm": ((224, 256), (240, 266), (256, 292), (288, 329), (320, 365), (448, 448)),
    "timm_tf": _TF_SIZES,
    "keras": _TF_SIZES,
}

# (origin, pattern of model names) -> image_size, resize_size, interpolation, (mean, std); every release there is
PREPROCESSING = {
    (origin, f"efficientnet_b{i}"): (*sizes, "bicubic", INCEPTION if (origin, i) == ("timm", 1) else IMAGENET)
    for origin, variants in _EFFICIENTNET_SIZES.items()
    for i, sizes in enumerate(variants)
} | {
    **{("timm_tf", f"efficientnet_lite{i}"): (*sizes, "bicubic", LITE) for i, sizes in enumerate(_LITE_SIZES)},
    ("torchvision", r"resnet(20|32|44|56)"): (32, 32, "bilinear", IMAGENET),  # CIFAR-10
    ("torchvision", r"(alexnet|vgg|resnet|mobilenet|squeezenet).*"): (224, 256, "bilinear", IMAGENET),
    ("timm", r"resnet(18|34|50|101|152)"): (224, 235, "bicubic", IMAGENET),
    ("timm", r"vgg.*"): (224, 256, "bilinear", IMAGENET),
    ("timm", r"mobilenet_v2"): (224, 256, "bicubic", IMAGENET),
    ("keras", r"resnet(50|101|152)|vgg(16|19)"): (224, 256, "bilinear", CAFFE),
    ("keras", r"mobilenet_v2"): (224, 256, "bilinear", INCEPTION),
}


def detect_origin(file: TensorFile, model_name: str, stated: str = "") -> str:
    """The origin of a file: `stated` (config.model.origin), or else the first origin that the file allows.

    The layout tells Keras from the others, and some names exclude torchvision. BatchNorms that were folded into their
    convolutions (mean 0, variance 1) have scales of sqrt(1 + epsilon), which excludes origins with another epsilon.

    Raises:
        WeightsError: if the file does not allow the stated origin, or any, or no other library has the network.
    """
    card, epsilon, known = _timm_card(file), _folded_epsilon(file, model_name), list(_releases(model_name))
    if stated and stated not in known:
        raise WeightsError(
            f"model.origin is {stated}, from where no weights of {model_name} are known: give {' or '.join(known)}, or "
            "leave it empty"
        )
    if file.layout == "keras":
        allowed, reason = ["keras"], "its layout is Keras'"
    elif card:
        allowed = ["timm_tf" if card["architecture"].startswith("tf_") else "timm"]
        reason = f"its config.json says {card['architecture']}"
    elif any(name.startswith(("conv_stem.", "pre_logits.")) for name in file.tensors):
        allowed, reason = ["timm", "timm_tf", "keras"], "its names are timm's"
        if file.path.name.startswith("tf_"):
            allowed.remove("timm")
    else:
        allowed, reason = known, "its names are PyTorch's"
    if epsilon:
        allowed = [o for o in allowed if math.isclose(conventions_of(o, model_name).bn_epsilon, epsilon, rel_tol=0.01)]
        reason = f"{reason} and its BatchNorms are folded for an epsilon of {epsilon:.1g}"
    allowed = [origin for origin in allowed if origin in known]
    if not allowed:
        raise WeightsError(
            f"{file.path} does not fit {model_name}: {reason}, but weights of {model_name} are known from "
            f"{' and '.join(known)}; choose the model.name that the weights belong to"
        )
    if stated and stated not in allowed:
        raise WeightsError(
            f"model.origin is {stated}, but {file.path} does not allow that: {reason}; give {' or '.join(allowed)}, or "
            "leave it empty"
        )
    return stated or allowed[0]


def preprocess_of(file: TensorFile, model_name: str, origin: str) -> Preprocess:
    """The preprocessing for the weights, always with RGB channels, see `Names.bgr_convolution`."""
    image_size, resize_size, interpolation, (mean, std) = _releases(model_name)[origin]
    card = _timm_card(file)
    if card and origin.startswith("timm"):
        trained = card["pretrained_cfg"]
        image_size, interpolation = trained["input_size"][-1], trained["interpolation"]
        resize_size = math.floor(image_size / trained["crop_pct"])
        mean, std = trained["mean"], trained["std"]
    elif "normalization/variance" in file.tensors:  # Keras' EfficientNet normalises by itself
        variance = file.tensors["normalization/variance"].ravel()
        # The released files hold standard deviations there, and their networks divide by the square root once more.
        if not np.allclose(variance, IMAGENET[1]):
            mean, std = file.tensors["normalization/mean"].ravel(), np.sqrt(variance)
    return Preprocess(image_size, resize_size, interpolation, 3, tuple(map(float, mean)), tuple(map(float, std)))


def _releases(model_name: str) -> dict[str, tuple]:
    """Origin -> row of PREPROCESSING, for every origin that has the network."""
    rows: dict[str, tuple] = {}
    for (origin, pattern), row in PREPROCESSING.items():
        if re.fullmatch(pattern, model_name):
            rows.setdefault(origin, row)
    return rows


def _timm_card(file: TensorFile) -> dict | None:
    """The content of timm's config.json beside the file."""
    try:
        card = json.loads(read_file(file.path.with_name("config.json")))
        complete = card["architecture"] and card["pretrained_cfg"].keys() >= CARD_FIELDS
        return card if complete else None
    except (AttributeError, KeyError, OSError, TypeError, ValueError):
        return None


def _folded_epsilon(file: TensorFile, model_name: str) -> float | None:
    """The epsilon for which all BatchNorms are the identity; None if they are not."""
    leaves: dict[str, list[np.ndarray]] = {"scale": [], "mean": [], "var": []}
    for name, array in file.tensors.items():
        leaf = (path_of(file, name, model_name) or "").rpartition("/")[2]
        if leaf in leaves:
            leaves[leaf].append(array.ravel())
    if not all(leaves.values()):
        return None
    scale, mean, var = (np.concatenate(arrays) for arrays in leaves.values())
    if np.any(mean != 0) or np.any(var != 1) or np.ptp(scale) > 1e-6 or scale[0] <= 1:
        return None
    return float(scale[0]) ** 2 - 1
