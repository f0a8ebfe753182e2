"""What each verb takes, and with which words it refuses the rest."""

import shlex

import pytest

from study_classification.commands import VERBS
from study_classification.commands.arguments import read_arguments
from study_classification.commands.flags import parse_flags
from study_classification.commands.verb import HOSTS, LANG
from study_classification.errors import ConfigError

# ml_collections loads config files so.
pytestmark = pytest.mark.filterwarnings("ignore:the load_module.. method is deprecated:DeprecationWarning")


def parse(text):
    return parse_flags(read_arguments(shlex.split(text), VERBS), VERBS)


UNGIVEN = {flag.name: flag.default for flag in (*HOSTS, LANG)}


def refused(text):
    with pytest.raises(ConfigError) as raised:
        parse(text)
    assert raised.value.exit_code == 2
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_values_have_the_types_of_their_flags():
    given = parse("predict a.jpg --workdir=x --top_k=3 --threshold 0.5 b.jpg")
    assert given.values == {
        "workdir": "x",
        "checkpoint": "best",
        "tta": "none",
        "format": "table",
        "top_k": 3,
        "threshold": 0.5,
        "calibrated": False,
        "shard": "0/1",
        **UNGIVEN,
    }
    assert given.inputs == ("a.jpg", "b.jpg")
    assert given.config is None


def test_the_config_with_what_was_typed():
    given = parse(
        "--config.seed=3 lr_find --config='photos:data=\"my photos, 2026\",epochs=5' --noconfig.model.head.fitted"
    )
    assert given.config_name == "photos"
    assert (given.config.data.source, given.config.total_epochs) == ("my photos, 2026", 5.0)
    assert (given.config.seed, given.config.model.head.fitted) == (3, False)
    assert given.typed == ("seed", "model.head.fitted")
    assert given.values == {"workdir": "", "steps": 100, **UNGIVEN}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("train --config=animals --assert_accuracy=0.99", "train has no --assert_accuracy: it belongs to evaluate"),
        (
            "train --config=animals --data=X --assert_accuracy=0.99",
            "train has no --data: it belongs to evaluate; the source goes behind the colon: "
            "--config=configs/photos.py:data=X",
        ),
        ("--config=animals -tta flip", "train has no --tta: it belongs to evaluate and predict"),
        ("evaluate --workdir=x --top-k=3", "evaluate has no --top-k: it belongs to predict"),
        ("predict --workdir=x --top-k=3", "predict has no --top-k: did you mean --top_k?"),
        (
            "evaluate --workdir=x --config.batch_size=3",
            "evaluate has no --config.batch_size: it belongs to train, tune, summary, lr_find, prepare and preview; "
            "the run in --workdir has its own, as it was trained",
        ),
        (
            "prepare --config=x --workdir=y",
            "prepare has no --workdir: it belongs to train, evaluate, report, predict, explain, summary and lr_find",
        ),
        ("train --config=animals --wrokdir=x", "train has no --wrokdir: did you mean --workdir?"),
        (
            "train --config=animals --undefok=zzz --zzz",
            "train has no --undefok: valid are: --config, --coordinator, --lang, --num_processes, --process_id, "
            "--workdir",
        ),
        ("train --config=animals --hidden=3", "train has no --hidden: did you mean --config.model.hidden?"),
        (
            "train --config=animals --notta",
            "train has no --notta: valid are: --config, --coordinator, --lang, --num_processes, --process_id, "
            "--workdir",
        ),
    ],
)
def test_flags_that_a_verb_does_not_have(text, sentence):
    assert refused(text) == sentence


@pytest.mark.parametrize(
    ("text", "guide"),
    [
        ("--epochs 5", "photos.py:epochs=5, or --config.total_epochs=5"),
        ("-m original", "train has no -m: write model=original behind the colon"),
        ("--model", "write model=NAME behind the colon"),
        ("--lr 1e-3", "set --config.optimizer.learning_rate=1e-3"),
        ("--batch_size 16", "set --config.batch_size=16"),
        ("--batch-size=16", "set --config.batch_size=16"),
        ("-b 16", "set --config.batch_size=16"),
        ("--output runs/x", "the run directory is --workdir=runs/x"),
        ("--out", "--workdir=DIR"),
        ("--save_dir=x", "--workdir=x"),
        ("--checkpoint_dir=x", "--workdir=x"),
        ("--resume", "the same command resumes a run, and so does train --workdir=RUN"),
        ("--gpu 0", "every device is used"),
        ("--device=cuda", "JAX_PLATFORMS=cpu"),
        ("--seed 3", "set --config.seed=3"),
        ("--img_size 96", "photos.py:size=96"),
        ("--imgsz 96", "--config.preprocess.image_size=96"),
        ("--pretrained", "learning=transfer_learning"),
        ("--weights w.pth", "photos.py:weights=w.pth"),
        ("--mixup=0.2", "set --config.augment.mixup=0.2"),
        ("--steps=30", "it belongs to lr_find; set --config.total_steps=30, and --config.total_epochs=0"),
        ("--activation relu", "--config.model.activation=relu"),
    ],
)
def test_flags_of_other_programs_are_guided(text, guide):
    assert guide in refused(f"train --config=animals {text}")


@pytest.mark.parametrize(
    ("text", "guide"),
    [
        ("evaluate --weights=3", "the run is --workdir=RUN"),
        (
            "predict --data f",
            "it belongs to evaluate; pictures and folders stand without a flag: predict --workdir=RUN f",
        ),
        ("predict --output f.csv", "--format=csv > FILE"),
        ("predict --conf 0.8", "it is --threshold=0.8"),
        ("evaluate --output f.json", "report.json"),
        ("check --config=photos", "; the folder or manifest stands without a flag: check photos"),
        ("explain --image=a.jpg", "stand without a flag: explain --workdir=RUN a.jpg"),
        ("tune --config=animals --n_trials=30", "it is --trials=30"),
        ("tune --config=animals --workdir=x", "the directory of the study is --study=x"),
    ],
)
def test_verbs_of_a_run_guide_to_their_own(text, guide):
    assert guide in refused(f"{text} --workdir=x")


@pytest.mark.parametrize(
    ("field", "guide"),
    [
        ("optimizer.lerning_rate=1", "did you mean optimizer.learning_rate?"),
        ("lr=0.1", "the config has no field 'lr': set --config.optimizer.learning_rate=0.1"),
        ("optimizer.lr=0.1", "set --config.optimizer.learning_rate=0.1"),
        ("epochs=5", "set --config.total_epochs=5"),
        ("data.path=x", "set --config.data.source=x"),
        ("model.num_classes=3", "the config has no field 'model.num_classes': the classes come from the data"),
        ("optimizer=sgd", "set --config.optimizer.name=sgd"),
        ("nonsense=3", "the config has no field 'nonsense': configs/default.py lists the fields"),
        ("=3", "the config has no field '': configs/default.py lists the fields"),
        ("early_stopping=3", "it is a group; set one of --config.early_stopping.min_delta"),
    ],
)
def test_fields_that_do_not_exist(field, guide):
    assert guide in refused(f"--config=quickstart --config.{field}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("--config.batch_size=2.5", "batch_size is '2.5', but must be a whole number"),
        ("--config.model.head.batch_norm --config.batch_size=2.5", "batch_size is '2.5', but must be a whole number"),
        ("--config.batch_size", "batch_size is '', but must be a whole number"),
        ("--config.optimizer.learning_rate=abc", "optimizer.learning_rate is 'abc', but must be a number"),
        ("--config.augment.horizontal_flip=maybe", "augment.horizontal_flip is 'maybe', but must be True or False"),
        ("--config.data.split_ratio=8:1:1", "data.split_ratio is 8:1:1, but must be 3 numbers"),
        ("--config.model.hidden=64,", "model.hidden is set, but model.name is original: it belongs to mlp"),
        ("--config.total_steps=3", "total_epochs=20.0 and total_steps=3 contradict each other"),
        ("--workdir", "--workdir needs a value"),
        ("--workdir=", "--workdir needs a value"),
        ("--config=photos", "--config is given twice"),
    ],
)
def test_values_are_checked_before_anything_starts(text, sentence):
    assert refused(f"--config=quickstart {text}").startswith(sentence)


def test_elements_of_a_tuple_are_checked():
    assert refused("--config=quickstart --config.augment.progressive=none") == (
        "augment.progressive is none, but must be numbers, such as augment.progressive=0.5,0.75, or () for none"
    )
    assert parse("--config=quickstart --config.augment.progressive=0.5").config.augment.progressive == (0.5,)


def test_what_a_typed_decider_leaves_over_is_let_pass():
    assert parse("--config=cifar10 --config.schedule.name=cosine").typed == ("schedule.name",)
    assert "it belongs to step" in refused(
        "--config=cifar10 --config.schedule.name=cosine --config.schedule.step_at=0.5,"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "train needs --config=FILE.py, for instance --config=configs/quickstart.py, or --workdir=DIR"),
        ("lr_find --workdir=x", "lr_find needs --config=FILE.py"),
        ("predict a.jpg", "predict needs --workdir=DIR, the directory that a training run has written"),
        ("train --workdir=x --config.seed=2", "--config.seed changes a config, but there is no --config=FILE.py"),
        ("train --config= --workdir=x", "--config needs a value"),
        ("evaluate --workdir=x y", "evaluate takes no 'y': a run directory follows its flag, --workdir=y"),
        (
            "prepare --config=photos y",
            "prepare takes no 'y': flags begin with --, and only predict, explain, compare and check take files",
        ),
        ("summary quickstart", "summary takes no 'quickstart': a config follows its flag, --config=quickstart"),
        (
            "lr_find tests",
            "lr_find takes no 'tests': the source goes behind the colon: --config=configs/photos.py:data=",
        ),
        (
            "prepare --prune --config.seed=3",
            "--config.seed changes a config, but there is no --config=FILE.py: give it",
        ),
        ("evaluate --workdir=x --data=", "--data needs a value"),
        ("--config=quickstart --version", "train has no --version: pip show study-classification tells it"),
        ("predict --workdir=x a ''", "predict was given an empty name: name a file or folder"),
        ("train configs/photos.py", "train takes no 'configs/photos.py': a config follows its flag, --config=configs/"),
        ("train --config=photos data=x", "train takes no 'data=x': an argument of a config stands behind its colon"),
        ("predict --workdir=x --top_k=0 a", "--top_k is '0', but must be a whole number, 1 or more"),
        ("predict --workdir=x --top_k=1.5 a", "--top_k is '1.5', but must be a whole number, 1 or more"),
        ("predict --workdir=x --threshold=2 a", "--threshold is '2', but must be a number from 0 to 1"),
        ("predict --workdir=x --threshold=nan a", "--threshold is 'nan', but must be a number from 0 to 1"),
        ("predict --workdir=x --calibrated=3 a", "--calibrated is '3', but must be True or False"),
        ("prepare --prune --older_than=inf", "--older_than is 'inf', but must be a number, 0 or more"),
        ("predict --workdir=x --format=xml a", "--format is 'xml', but must be one of table, csv, json, jsonl"),
        ("--lang=fr --config=quickstart", "--lang is 'fr', but must be one of en, ja"),
        ("predict --workdir=x --workdir=y a", "--workdir is given twice: give it once"),
        ("--config=quickstart --config.seed=1 --config.seed=2", "--config.seed is given twice: give it once"),
        ("train --config=quickstart --process_id=-1", "--process_id is '-1', but must be a whole number, 0 or more"),
    ],
)
def test_what_a_verb_needs_and_takes(text, sentence):
    assert refused(text).startswith(sentence)


def test_a_run_directory_without_its_flag_is_guided(tmp_path):
    assert "only predict, explain, compare and check take files" not in refused("evaluate nowhere")
    for name in ("config.json", "classes.json"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    for verb in ("train", "summary", "evaluate"):
        assert refused(f"{verb} {tmp_path}").endswith(f"a run directory follows its flag, --workdir={tmp_path}")
    assert "--workdir" not in refused(f"preview {tmp_path}")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("    return undefined", "fails, line 2: NameError: name 'undefined' is not defined"),
        ("    return int('a')", "fails, line 2: ValueError: invalid literal for int() with base 10: 'a'"),
        ("    inner = lambda: undefined\n    return inner()", "fails, line 2: NameError"),
        ("    return = 3", "fails: SyntaxError: invalid syntax"),
        ("    return {}", "has no field 'accumulate_steps': let it begin with config = "),
    ],
)
@pytest.mark.parametrize("typed", ["", "--config.seed=3"])
def test_a_config_file_that_fails(content, sentence, typed, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(f"def get_config(arguments=''):\n{content}\n", encoding="utf-8")
    if "{}" in content and typed:
        return
    assert sentence in refused(f"--config={file} {typed}")
    assert str(file) in refused(f"--config={file} {typed}")


def test_a_config_of_the_users_own(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from study_classification.configs import default\n"
        "def get_config(arguments=''):\n"
        "    config = default.get_config()\n"
        "    config.model.hidden = (64,)\n"
        "    return config\n",
        encoding="utf-8",
    )
    assert "model.hidden is set, but model.name is original" in refused(f"--config={file}")
    assert parse(f"--config={file} --config.model.name=mlp").config.model.hidden == (64,)
