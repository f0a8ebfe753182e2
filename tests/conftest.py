"""Fixtures that many tests share."""

import os
import shutil
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest
from buckets import bucket  # noqa: F401  # a fixture
from ml_collections import ConfigDict
from run_helpers import tiny_config

from study_classification import models
from study_classification.data.sources import list_digits
from study_classification.language.choice import choose_language
from study_classification.models.layers.normalization import batch_norm
from study_classification.runs.directory import Run, load
from study_classification.training import recorder, results
from study_classification.training.loop import train_and_evaluate

# Tests compile much and compute little: without XLA's slowest passes they take two thirds of the time. Processes that
# they start take it over. What is compared is compared between programs that are compiled alike.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
jax.config.update("jax_disable_most_optimizations", os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] == "1")
if choose_language([]) != "en":
    os.environ["LC_ALL"] = "C.UTF-8"  # of the programs that tests start, too: they look for English sentences


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos, weights and reference outputs that lies beside the project."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip(f"the folder of real test data, {folder}, is absent")
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    """One cache directory for the whole session, as a user has one."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def _digits(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("digits")
    counts = dict.fromkeys("012", 0)
    for item in list_digits().items:
        if counts.get(item.label, 30) < 30:
            counts[item.label] += 1
            file = root / item.name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(item.data)
    return root


@pytest.fixture
def digits(_digits, tmp_path) -> Path:
    """A folder of real images: 30 handwritten digits of each of the classes 0, 1 and 2, 8 x 8, a test's own copy."""
    return Path(shutil.copytree(_digits, tmp_path / "digits"))


class Tiny(nn.Module):
    """A network with all that a state can hold, BatchNorm and dropout, that compiles in a second."""

    @nn.compact
    def __call__(self, x, train):
        x = nn.Conv(8, (3, 3), name="conv")(x)
        x = nn.relu(batch_norm(train, 0.9, 1e-5, jnp.float32)(name="bn")(x))
        x = nn.Dropout(0.2, deterministic=not train)(x)
        return nn.Dense(16, name="dense")(jnp.reshape(x, (len(x), -1)))


@pytest.fixture(scope="session", autouse=True)
def _tiny_is_a_model():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(models.MODELS, "tiny", lambda config, dtype, conventions: Tiny())
        yield


@pytest.fixture
def drawn() -> None:
    """Asks for curves and images that are really drawn, and for layers that are really looked at."""


@pytest.fixture(autouse=True)
def _drawn_on_demand(request, monkeypatch):
    """Drawing takes a tenth of a short training, as does compiling what layers are looked at by; on demand alone."""
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr(recorder, "draw_curves", lambda history, file: file.touch())
        monkeypatch.setattr(results, "draw_confusion", lambda counts, names, title, file: file.touch())
        monkeypatch.setattr(results, "look_at_layers", lambda *arguments, **named: None)
        monkeypatch.setattr(results, "_seen", lambda feed: [])
        monkeypatch.setattr(results, "write_page", lambda finished, seen: finished.run.workdir / "report.html")


@pytest.fixture
def config(digits, cache) -> ConfigDict:
    """The tiny network on the 90 digits of the test's own folder."""
    return tiny_config(digits, cache)


@pytest.fixture(scope="session")
def _trained(_digits, cache, tmp_path_factory) -> Path:
    workdir = tmp_path_factory.mktemp("trained") / "run"
    config = tiny_config(_digits, cache)
    config.total_epochs = 4.0
    train_and_evaluate(config, workdir)
    return workdir


@pytest.fixture
def run(_trained, digits, tmp_path) -> Run:
    """A finished run of the tiny network, a test's own copy."""
    run = load(Path(shutil.copytree(_trained, tmp_path / "run")))
    run.config.data.source = str(digits)
    return run
