import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from safetensors.numpy import save_file

from study_classification import pretrained
from study_classification.errors import ConfigError, WeightsError
from study_classification.models import create_model
from study_classification.models.initial import init_variables, variable_shapes
from study_classification.pretrained import load_pretrained
from study_classification.runs.directory import load
from study_classification.training.loop import train_and_evaluate


def test_another_number_of_classes_leaves_the_last_layer_to_be_filled(config_of, shared):
    config = config_of("resnet20", weights=str(shared / "data" / "weights" / "resnet20_cifar10.safetensors"))
    loaded = load_pretrained(config, "abc")
    assert loaded.skipped == "head/classifier"
    shapes = variable_shapes(create_model(config.model, 3), loaded.preprocess.shape)
    wanted, found = (flatten_dict(tree, sep="/") for tree in (shapes, loaded.variables))
    assert wanted.keys() - found.keys() == {"params/head/classifier/kernel", "params/head/classifier/bias"}
    assert all(array.shape == wanted[path].shape for path, array in found.items())


@pytest.mark.parametrize(("weights", "kind"), [("~/absent.h5", WeightsError), ("~nosuchuser/w.h5", ConfigError)])
def test_a_file_of_weights_may_begin_with_a_tilde(config_of, tmp_path, monkeypatch, weights, kind):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(kind, match=rf"{tmp_path}/absent\.h5 cannot be read|begins with ~nosuchuser"):
        load_pretrained(config_of("resnet20", weights=weights), "abc")


def test_weights_of_another_network(config_of, shared):
    config = config_of("resnet32", weights=str(shared / "data" / "weights" / "resnet20_cifar10.safetensors"))
    with pytest.raises(WeightsError, match="does not fit resnet32: 0 of its tensors are not used, 60 of"):
        load_pretrained(config, range(10))


@pytest.fixture
def run(config, tmp_path):
    """A run of three classes that stopped after its first epoch."""
    config.total_epochs = 1.0
    train_and_evaluate(config, tmp_path / "run")
    return load(tmp_path / "run")


def test_a_run_of_this_project(run):
    run.config.model.weights = str(run.workdir)
    loaded = load_pretrained(run.config, ("0", "1", "2"))
    assert (loaded.origin, loaded.skipped) == ("torchvision", "")
    assert loaded.preprocess == run.preprocess
    fresh = jax.jit(
        lambda: init_variables(create_model(run.config.model, 3), run.preprocess.shape, jax.random.key(0))
    )()
    assert jax.tree.map(jnp.shape, loaded.variables) == jax.tree.map(jnp.shape, fresh)
    trained, untrained = (tree["params"]["backbone"]["conv"]["kernel"] for tree in (loaded.variables, fresh))
    assert (trained != untrained).any()


@pytest.mark.parametrize("class_names", [("0", "1", "2", "3"), ("0", "1", "3"), ("1", "0", "2")])
def test_a_run_of_other_classes_leaves_its_last_layer_behind(run, class_names):
    run.config.model.weights = str(run.workdir)
    other = load_pretrained(run.config, class_names)
    assert other.skipped == "head/classifier"
    assert other.variables["params"].keys() == {"backbone"}


def test_a_run_of_another_network_or_origin(run, config_of):
    with pytest.raises(WeightsError, match=r"has trained tiny, not resnet20: set model\.name to tiny"):
        load_pretrained(config_of("resnet20", weights=str(run.workdir)), "012")
    with pytest.raises(WeightsError, match=r"follows torchvision, not keras"):
        load_pretrained(config_of("tiny", "keras", str(run.workdir)), "012")


def test_names_of_the_hub_and_of_files(config_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = []

    def fetch(name):
        asked.append(name)
        return tmp_path / "model.safetensors"

    monkeypatch.setattr(pretrained, "fetch", fetch)
    save_file({"x": np.zeros(1)}, tmp_path / "model.safetensors")
    for name, expected in [
        ("timm/resnet18.a1_in1k", ["timm/resnet18.a1_in1k"]),
        ("timm/resnet18.safetensors", []),  # a file that is not there
        (".", []),  # a folder with model.safetensors
        ("model.safetensors", []),
        ("resnet18", []),
    ]:
        asked.clear()
        with pytest.raises(WeightsError):
            load_pretrained(config_of("resnet18", weights=name), range(10))
        assert asked == expected, name


NET = """
import flax.linen as nn
import jax

class Net(nn.Module):
    @nn.compact
    def __call__(self, x, train):
        return nn.relu(jax.lax.stop_gradient(nn.Conv(4, (3, 3), kernel_init=nn.initializers.ones)(x)))
"""


def test_a_run_of_a_network_of_ones_own(config, tmp_path, cache):
    """Its weights serve the same source wherever that lies, and features of another source are not taken for its."""

    def features():
        return set((cache / "features").glob("*"))

    file = tmp_path / "net.py"
    config.model.name, config.total_epochs, config.learning = f"{file}:Net", 1.0, "from_scratch"
    transfer = config.copy_and_resolve_references()
    transfer.learning, transfer.model.weights = "transfer_learning", str(tmp_path / "first")
    file.write_text(NET)
    train_and_evaluate(config, tmp_path / "first")
    train_and_evaluate(transfer, tmp_path / "transferred")
    before = features()

    file.write_text(NET.replace("relu", "tanh"))
    with pytest.raises(WeightsError, match=r"has trained .*first/network\.py:Net, not .*net\.py:Net"):
        load_pretrained(transfer, "012")
    train_and_evaluate(config, tmp_path / "second")
    transfer.model.weights = str(tmp_path / "second")
    train_and_evaluate(transfer, tmp_path / "transferred again")
    assert len(features() - before) == 2  # of train and validation

    transfer.model.name, transfer.model.weights = f"{tmp_path}/first/network.py:Net", str(tmp_path / "first")
    assert load_pretrained(transfer, "012").skipped == ""
    transfer.model.weights = "imagenet"
    with pytest.raises(WeightsError, match="no other library has weights of"):
        load_pretrained(transfer, "012")
