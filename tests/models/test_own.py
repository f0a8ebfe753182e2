import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.configs import default
from study_classification.errors import ConfigError
from study_classification.models import create_model
from study_classification.models.own import class_of, file_of, identity_of, source_of

NET = """
import flax.linen as nn
import jax.numpy as jnp

class Net(nn.Module):
    dtype: jnp.dtype = jnp.float32
    drop_path: float = 0.0

    @nn.compact
    def __call__(self, x, *, train):
        return nn.Conv(5, (3, 3), dtype=self.dtype)(x)

class NoType(nn.Module):
    def __call__(self, x, train):
        return x.mean((1, 2))
"""


@pytest.fixture
def net(tmp_path):
    file = tmp_path / "net.py"
    file.write_text(NET)
    return file


def model_of(name, **fields):
    config = default.get_config().model
    config.name = str(name)
    config.update(fields)
    return create_model(config, 3, jnp.bfloat16)


def output_shapes(model):
    variables = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)), train=False))
    return variables["params"], jax.eval_shape(
        lambda v: model.apply(v, jnp.zeros((4, 8, 8, 3)), train=False), variables
    )


def test_the_class_becomes_the_backbone_of_a_classifier(net):
    model = model_of(f"{net}:Net", drop_path=0.25)
    assert (model.backbone.dtype, model.backbone.drop_path) == (jnp.bfloat16, 0.25)
    params, logits = output_shapes(model)
    assert params["backbone"]["Conv_0"]["kernel"].shape == (3, 3, 3, 5)
    assert params["head"]["classifier"]["kernel"].shape == (5, 3)
    assert (logits.shape, logits.dtype) == ((4, 3), jnp.float32)
    assert output_shapes(model_of(f"{net}:NoType"))[1].shape == (4, 3)


def test_the_head_is_that_of_the_config(net):
    config = default.get_config().model
    config.name, config.head.pooling, config.head.hidden = f"{net}:Net", "flatten", (7,)
    params, _ = output_shapes(create_model(config, 3))
    assert params["head"]["dense1"]["kernel"].shape == (8 * 8 * 5, 7)


def test_a_relative_file_and_a_home(net, monkeypatch):
    monkeypatch.chdir(net.parent)
    monkeypatch.setenv("HOME", str(net.parent))
    expected = class_of(f"{net}:Net")
    for name in ("net.py:Net", "./net.py:Net", "~/net.py:Net"):
        assert class_of(name) is expected and file_of(name).resolve() == net.resolve()
    assert file_of("package.module:Net") is None and file_of("resnet18") is None


def test_a_module_is_imported_by_name(net, monkeypatch):
    (net.parent / "of_mine").mkdir()
    (net.parent / "of_mine" / "__init__.py").touch()
    (net.parent / "of_mine" / "parts.py").write_text("import module_that_is_absent")
    net.rename(net.parent / "of_mine" / "nets.py")
    with pytest.raises(ConfigError, match="no module named of_mine: install it, put its folder on PYTHONPATH"):
        class_of("of_mine.nets:Net")
    monkeypatch.syspath_prepend(net.parent)
    assert output_shapes(model_of("of_mine.nets:Net"))[1].shape == (4, 3)
    with pytest.raises(ConfigError, match=r"no module named of_mine\.netz"):
        class_of("of_mine.netz:Net")
    with pytest.raises(ConfigError, match=r"of_mine\.parts cannot be imported: .*'module_that_is_absent'"):
        class_of("of_mine.parts:Net")
    (net.parent / "of_mine" / "deep").mkdir()
    deep = net.parent / "of_mine" / "deep" / "more.py"
    deep.write_text("y = 1")
    before = identity_of("of_mine.nets:Net")
    deep.write_text("y = 2")
    assert identity_of("of_mine.nets:Net") != before
    deep.write_text("y = 1")
    (net.parent / "of_mine" / "parts.py").write_text("x = 1")
    assert identity_of("of_mine.nets:Net") != before
    for name in [name for name in sys.modules if name.startswith("of_mine")]:
        del sys.modules[name]


def test_a_copy_is_the_same_network_and_a_changed_file_another(net, tmp_path):
    name, copy = f"{net}:Net", tmp_path / "copy.py"
    copy.write_text(NET)
    first, identity = class_of(name), identity_of(name)
    assert class_of(f"{copy}:Net") is first and identity_of(f"{copy}:Net") == identity
    net.write_text(NET.replace("Conv(5", "Conv(6"))
    assert source_of(name) == NET, "what was run, not what stands in the file now"
    assert class_of(name) is not first and identity_of(name) != identity
    assert output_shapes(model_of(name))[0]["backbone"]["Conv_0"]["kernel"].shape == (3, 3, 3, 6)
    assert identity_of("resnet18") == "resnet18"


WRONG = """
import flax.linen as nn
import numpy as np

class NeedsWidth(nn.Module):
    width: int

    def __call__(self, x, train):
        return x

class WithoutTrain(nn.Module):
    def __call__(self, x):
        return x

class Plain:
    pass

class Tokens(nn.Module):
    def __call__(self, x, train):
        return x.reshape(x.shape[0], -1, 3)

class Tuple(nn.Module):
    def __call__(self, x, train):
        return x, x

class OverTheBatch(nn.Module):
    def __call__(self, x, train):
        return x.mean((0, 1))
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.py:Net", r"the file .*/absent\.py, which does not exist"),
        ("binary.py:Net", r"the file .*/binary\.py, which cannot be read"),
        ("syntax.py:Net", r"syntax\.py cannot be run: SyntaxError: .*line 1"),
        ("raising.py:Net", r"raising\.py cannot be run: ValueError: two lines$"),
        ("empty.py:Net", "has no class 'Net': it defines no Flax module at all"),
        ("wrong.py:NedsWidth", r"has no class 'NedsWidth': did you mean NeedsWidth\?"),
        ("wrong.py:Plain", "Plain of wrong.py is no Flax module: derive it from flax.linen.Module"),
        ("wrong.py:np", "np of wrong.py is no Flax module"),
        ("wrong.py:NeedsWidth", "has fields without a default: give one to width"),
        ("wrong.py:WithoutTrain", r"define __call__\(self, x, train\)"),
        ("wrong.py:Tokens", r"network Tokens gives the shape \[1, 64, 3\] for a batch of 1"),
        ("wrong.py:Tuple", "network Tuple gives the type tuple"),
        ("wrong.py:OverTheBatch", r"OverTheBatch gives the shape \[8, 3\] for a batch of 1"),
        ("wrong.py", "add its class behind a colon, wrong.py:CLASS"),
        ("wrong.py:", r"give FILE\.py:Class or package\.module:Class"),
        (":Net", r"give FILE\.py:Class or package\.module:Class"),
        ("resnet55", r"which is no model: did you mean resnet5\d\?|resnet50"),
    ],
)
def test_mistakes_are_one_sentence(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.py").write_text(WRONG)
    (tmp_path / "syntax.py").write_text("def (")
    (tmp_path / "raising.py").write_text("raise ValueError('two\\nlines')")
    (tmp_path / "empty.py").touch()
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00")
    modules = set(sys.modules)
    with pytest.raises(ConfigError, match=message) as raised:
        output_shapes(model_of(name))
    assert "\n" not in str(raised.value)
    if "cannot be run" in message:
        assert set(sys.modules) <= modules  # nothing half made is left


def test_values_pass_through_the_network(net):
    model = model_of(f"{net}:NoType")
    images = jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 4, 3)), jnp.float32)
    features = model.apply({}, images, train=False, method="features")
    np.testing.assert_allclose(features, images.mean((1, 2)), rtol=1e-6)
