"""The package as Python sees it."""

import asyncio
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import study_classification as sc
from study_classification.errors import ConfigError, RunError
from study_classification.inference import predictor


def test_importing_the_package_imports_no_jax_and_its_names_are_there():
    code = (
        "import sys\nimport study_classification as sc\n"
        "assert not {'jax', 'numpy', 'flax', 'absl'} & set(sys.modules), sys.modules.keys()\n"
        "assert set(sc.__all__) <= set(dir(sc))\n"
        "from study_classification import *\nprint(*(repr(eval(name)) for name in sc.__all__))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Predictor" in done.stdout
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        sc.tarin  # noqa: B018


def test_a_config_is_found_as_on_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for text in ("configs/quickstart.py:runlocal", "quickstart:runlocal"):
        assert sc.get_config(text).total_epochs == 1.0
    assert sc.get_config("quickstart").total_epochs == 20.0
    Path("mine.py").write_text(
        "from study_classification.configs import default\n\n\ndef get_config(arguments='none'):\n"
        "    config = default.get_config()\n    config.model.name = arguments\n    return config\n"
    )
    assert [sc.get_config(text).model.name for text in ("mine.py", "mine.py:a:b", "mine.py:")] == ["none", "a:b", ""]


def test_mistakes_in_a_config_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"'quikstart' does not exist: did you mean quickstart\?"):
        sc.get_config("quikstart")
    with pytest.raises(ConfigError, match=r"did you mean animals\?"):
        sc.get_config("configs/animal.py")
    with pytest.raises(ConfigError, match=r"no argument 'runlocl': did you mean runlocal\?"):
        sc.get_config("quickstart:runlocl")
    for text in ("x = 1", "def get_config(:"):
        (tmp_path / "wrong.py").write_text(text)
        with pytest.raises(ConfigError, match=r"wrong\.py is no config file"):
            sc.get_config(str(tmp_path / "wrong.py"))
    with pytest.raises(AttributeError, match=r'Did you mean "batch_size"'):
        sc.get_config("quickstart").batchsize = 3


def test_training_and_loading_in_a_notebook(config, digits, tmp_path, monkeypatch):
    """A notebook has a running event loop, no flags, and arguments that mean something else."""
    monkeypatch.setattr(sys, "argv", ["kernel", "-f", "kernel.json", "--nonsense"])
    config.total_epochs = 1.0

    async def cell():
        return sc.train(config.lock(), tmp_path / "run"), sc.load(tmp_path / "run", "last")

    trained, loaded = asyncio.run(cell())
    file = next((digits / "1").iterdir())
    assert trained.predict(file) == loaded.predict(file)
    assert sc.evaluate(tmp_path / "run", split="train") == trained.evaluate(split="train")
    assert not (tmp_path / "run" / "report.json").exists()


def test_what_is_asked_of_a_run_is_handed_on(monkeypatch):
    asked = []

    def load(*given, **named):
        asked.append((given, named))
        return SimpleNamespace(evaluate=lambda *given, **named: asked.append((given, named)))

    monkeypatch.setattr(predictor, "load", load)
    sc.load("x", 7, tta="flip", calibrated=True)
    assert asked.pop() == (("x", 7), {"tta": "flip", "calibrated": True})
    sc.evaluate("x", "photos", split="train", checkpoint="last", tta="flip", write_report=True)
    assert asked == [
        (("x", "last"), {"tta": "flip", "calibrated": False}),
        (("photos",), {"split": "train", "write_report": True}),
    ]


def test_a_model_by_name_or_config():
    config = sc.get_config("quickstart").model
    assert sc.create_model(config, 3) == sc.create_model("original", 3)
    assert sc.create_model("resnet18", 3, "bfloat16").backbone.dtype == "bfloat16"
    with pytest.raises(sc.UserError, match="did you mean resnet5"):
        sc.create_model("resnet55", 3)


def test_an_absent_run_is_named():
    with pytest.raises(RunError, match="nowhere does not exist"):
        sc.load("nowhere")
