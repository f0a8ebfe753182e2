"""The command line as a user meets it: exit codes, stdout and stderr of the real program."""

import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from study_classification import main
from study_classification.data.sources import list_digits
from study_classification.runs.directory import new_workdir

pytestmark = pytest.mark.filterwarnings("ignore:the load_module.. method is deprecated:DeprecationWarning")


def program(*arguments, cwd=None, **environment):
    return subprocess.run(
        [sys.executable, "-m", "study_classification.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | environment,
        timeout=300,
    )


@pytest.mark.parametrize(
    ("arguments", "code", "shown"),
    [
        (["--help"], 0, "\n  lr_find "),
        (["evaluate", "--help"], 0, "\n  --assert_accuracy "),
        (["tune", "--help"], 0, "\n  --study "),
        (["tune", "--config=tune_digits", "--trials=0"], 2, "tune needs --study=DIR, the directory of the study"),
        (["train", "--config=quickstart", "--lr=1"], 2, "set --config.optimizer.learning_rate=1"),
        (["train", "--config=quickstart", "--config.seed=-1"], 2, "seed is -1"),
    ],
)
def test_what_needs_no_network_imports_no_jax(arguments, code, shown):
    program = (
        f"import sys\nfrom study_classification import main\nsys.argv = ['study-classification', *{arguments}]\n"
        "try:\n    main.run()\nfinally:\n    assert not {'jax', 'numpy', 'PIL', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert shown in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "train needs --config=FILE.py"),
        (["trian"], 2, "there is no verb 'trian': did you mean train?"),
        (["evaluate"], 2, "evaluate needs --workdir=DIR"),
        (["evaluate", "--workdir=nowhere"], 4, "the run directory nowhere does not exist"),
        (["--config=configs/animal.py"], 2, "'configs/animal.py' does not exist: did you mean animals?"),
        (["--config=quickstart", "--config.optimizer.lerning_rate=1"], 2, "did you mean optimizer.learning_rate?"),
        (["--config=quickstart", "--config.batch_size=2.5"], 2, "batch_size is '2.5', but must be a whole number"),
        (["--config=quickstart:runlocl"], 2, "no argument 'runlocl': did you mean runlocal?"),
        (["--config=quickstart", "--wrokdir=x"], 2, "did you mean --workdir?"),
        (
            ["--config=quickstart", "--assert_accuracy=0.99"],
            2,
            "train has no --assert_accuracy: it belongs to evaluate",
        ),
        (["--config=quickstart", "--config.augment.progressive=none"], 2, "augment.progressive is none, but must be"),
        (["train", "--workdir=nowhere"], 4, "or --config=FILE.py to begin a new one there"),
        (["--config=quickstart", "--config.model.name=resnet55"], 2, "did you mean resnet5"),
        (["--config=animals:data=nowhere"], 3, "the data source 'nowhere' does not exist"),
        (["--config=quickstart", "--workdir=/dev/null/run"], 2, "'/dev/null' is a device, not a folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes_are_one_sentence_and_an_exit_code(arguments, code, message, tmp_path):
    done = program(*arguments, cwd=tmp_path)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == code, done.stderr
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert message in lines[0]


@pytest.fixture
def verb(tmp_path, monkeypatch, capfd):
    """Runs a verb as `program` does, without the seconds that a process of its own takes to import JAX."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("excepthook", "unraisablehook"):
        monkeypatch.setattr(sys, name, getattr(sys, name))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["study-classification", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main.run()
        return SimpleNamespace(returncode=left.value.code or 0, **capfd.readouterr()._asdict())

    return run


def test_the_whole_way_from_training_to_a_prediction(tmp_path, verb):
    arguments = ["--config=quickstart:runlocal", "--config.model.name=mlp", "--config.total_epochs=15"]
    trained = program(*arguments, cwd=tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert trained.returncode == 0, trained.stderr
    (workdir,) = (tmp_path / "runs").iterdir()
    assert workdir.name.startswith("quickstart-mlp-")

    assert (workdir / "curves.png").read_bytes().startswith(b"\x89PNG")

    resumed = verb("train", f"--workdir={workdir}")
    assert resumed.returncode == 0, resumed.err
    assert f"Resuming {workdir} after step " in resumed.out
    changed = ["--config.seed=1", "--config.model.name=original"]
    refused = verb("--config=quickstart", *changed, "--config.batch_size=32", f"--workdir={workdir}")
    assert refused.returncode == 4
    assert "batch_size=64, not 32; model.name=mlp, not original; seed=0, not 1: " in refused.err

    evaluated = verb("evaluate", f"--workdir={workdir}", "--assert_accuracy=0.8")
    assert evaluated.returncode == 0, evaluated.err
    assert "of 179" in evaluated.out
    failed = verb("evaluate", f"--workdir={workdir}", "--assert_accuracy=1.0")
    assert failed.returncode == 7
    assert "below 1.0" in failed.err

    (tmp_path / "d.png").write_bytes(list_digits().items[0].data)
    predicted = program("predict", f"--workdir={workdir}", "--format=csv", "d.png", "text.png", cwd=tmp_path)
    assert predicted.returncode == 3
    header, row, missing = predicted.stdout.splitlines()
    assert header == "file,class,probability,error"
    assert row.startswith("d.png,0,")
    assert missing == "text.png,,,it does not exist"
    assert "could not be read" in predicted.stderr

    summary = verb("summary", f"--workdir={workdir}")
    assert "Parameters: 34,186" in summary.out  # 256 x 128 + 128 + 128 x 10 + 10
    found = verb("lr_find", "--config=quickstart", "--workdir=found", "--steps=40", "--config.model.name=mlp")
    assert re.search(r"--config\.optimizer\.learning_rate=\d\.\de-0\d,", found.out), found.err
    prepared = verb("prepare", "--config=quickstart")
    assert "1,797 pictures in 10 classes: 1,439 train, 179 validation, 179 test" in prepared.out

    for file in workdir.glob("checkpoints/*/model/**/d/*"):
        file.write_bytes(b"damaged")
    damaged = verb("evaluate", f"--workdir={workdir}")
    assert damaged.returncode == 4
    assert re.fullmatch(
        r"error: (the checkpoint \S+ is damaged: model/\S+ is not what was written; )+there is no other .*\n",
        damaged.err,
    )


def test_unnamed_run_directories_never_clash(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {new_workdir(config, "animals") for _ in range(5)}
    assert len(names) == 5
