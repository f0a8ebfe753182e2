import math
import re

import pytest
from ml_collections import ConfigDict

from study_classification.config import (
    call_beside_config,
    changed_fields,
    duration_in_steps,
    find_config,
    flatten,
    listed,
    missing_field,
    parse_arguments,
    seconds_of,
)
from study_classification.config_effects import chosen_fields
from study_classification.config_rules import validate
from study_classification.configs import (
    animals,
    cifar10,
    cifar10_fast,
    default,
    imagenet,
    mnist,
    photos,
    quickstart,
    tune_digits,
)
from study_classification.errors import ConfigError, nearest

CONFIGS = [animals, cifar10, cifar10_fast, imagenet, mnist, photos, quickstart, tune_digits]
LEARNING = [f"learning={learning}" for learning in ("from_scratch", "transfer_learning", "fine_tuning")]


@pytest.mark.parametrize("module", CONFIGS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_config_is_valid_and_has_no_field_of_its_own(module):
    for arguments in ["", "runlocal", "epochs=3", *(LEARNING if module in (animals, photos) else [])]:
        config = module.get_config(arguments)
        validate(config, chosen_fields(config, default.get_config(), ()))
        assert flatten(config).keys() == flatten(default.get_config()).keys()


@pytest.mark.parametrize("module", CONFIGS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_config_takes_epochs_and_says_so(module):
    assert module.get_config("epochs=3").total_epochs == 3
    shrunk = module.get_config("epochs=2,runlocal")
    assert (shrunk.total_epochs, shrunk.total_steps) == (2, 0)
    assert module.get_config().total_epochs > 3
    assert "epochs=N" in module.__doc__


def test_arguments_take_the_type_of_their_default():
    given = parse_arguments("data=a/b,size=48,rate=1,runlocal", data="", size=64, rate=0.5, runlocal=False, other=3)
    assert given.to_dict() == {"data": "a/b", "size": 48, "rate": 1.0, "runlocal": True, "other": 3}
    assert type(given.rate) is float
    for text, value in {"True": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.items():
        assert parse_arguments(f"runlocal={text}", runlocal=not value).runlocal is value
    given = parse_arguments(
        "epochs=.5,rate=1e-3,size=1_000,name=,shift=0", epochs=0.0, rate=1.0, size=0, name="", shift=1
    )
    assert given.to_dict() == {"epochs": 0.5, "rate": 0.001, "size": 1000, "name": "", "shift": 0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modle=x", r"no argument 'modle': did you mean model\?$"),
        ("size=big", "size is 'big', but must be a whole number"),
        ("size", "size is '', but must be a whole number"),
        ("size=1e3", "size is '1e3', but must be a whole number"),
        ("epochs=three", "epochs is 'three', but must be a number"),
        ("epochs=0", "epochs is 0: give more, or leave it out"),
        ("epochs=0.0", "epochs is 0: give more, or leave it out"),
        ("size=1,size=2", "argument size is given twice: give it once"),
        ("runlocal=maybe", "runlocal is 'maybe', but must be True or False"),
        ("runlocal=2", "runlocal is '2', but must be True or False"),
        ("model=", "argument model is empty: write model=VALUE, or leave it out for resnet"),
        ("model", "argument model is empty"),
        ("model=a,b", r"no argument 'b': .*; a value with commas stands in quotation marks"),
        (
            "optimizer=sgd",
            r"valid are: model, size, epochs, runlocal; a field .* stands outside the colon, as --config\.optimizer=",
        ),
        ('model="a,size=3', 'argument model begins with the quotation mark ", but no such mark ends it'),
        ("model='a'b,size=3", "argument model begins with the quotation mark '"),
        ("model=my photos, 2026,size=3", "no argument ' 2026': .* a value with commas stands in quotation marks"),
    ],
)
def test_wrong_arguments_are_named(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_arguments(text, model="resnet", size=64, epochs=0.0, runlocal=False)


def test_a_value_in_quotation_marks_may_hold_commas():
    for mark, other in ('"', "'"), ("'", '"'):
        given = parse_arguments(
            f"data={mark}my {other}photos, 2026{mark},epochs=5,name=it's", data="", epochs=1.0, name=""
        )
        assert given.to_dict() == {"data": f"my {other}photos, 2026", "epochs": 5.0, "name": "it's"}


def test_the_nearest_name_is_found_by_its_last_part():
    fields = flatten(default.get_config())
    assert nearest("lerning_rate", fields) == "did you mean optimizer.learning_rate?"
    assert nearest("optimiser.learning_rate", fields) == "did you mean optimizer.learning_rate?"
    assert nearest("zzz", ["a", "b"]) == "valid are: a, b"


@pytest.mark.parametrize(
    ("epochs", "steps", "examples", "expected"),
    [
        (3.0, 0, 0, 14),  # 3 x 72 / 16 = 13.5
        (0.5, 0, 0, 3),  # 36 / 16 = 2.25
        (0.0, 7, 0, 7),
        (0.0, 0, 160, 10),
        (0.0, 0, 161, 11),
        (0.0, 0, 0, 0),
    ],
)
def test_durations_by_suffix(epochs, steps, examples, expected):
    group = ConfigDict({"total_epochs": epochs, "total_steps": steps, "total_examples": examples})
    assert duration_in_steps(group, "total", 72, 16) == expected


def test_noise_of_a_product_adds_no_step():
    group = ConfigDict({"total_epochs": 0.07, "total_steps": 0, "total_examples": 0})
    assert 0.07 * 100 > 7  # in floating point
    assert duration_in_steps(group, "total", 100, 1) == 7


def test_installed_configs_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config("photos").name == find_config("configs/photos.py").name == "photos.py"
    with pytest.raises(ConfigError) as raised:
        find_config("qqqqqq")
    names = "animals, cifar10, cifar10_fast, comparison, imagenet, mnist, photos, quickstart, table, text, tune_digits"
    told, others = str(raised.value).partition("valid are: ")[2].split(", "), set(names.split(", "))
    assert {name for name in told if not name.startswith("lessons/")} == others and "lessons/xor" in told
    with pytest.raises(ConfigError, match=r"'other/photos\.py' does not exist: did you mean photos\?"):
        find_config("other/photos.py")
    lessons = [find_config(name) for name in ("lessons/xor", "configs/lessons/xor.py")]
    assert {(file.parent.name, file.name) for file in lessons} == {("lessons", "xor.py")}
    with pytest.raises(ConfigError, match=r"'lessons/photos\.py' does not exist"):
        find_config("lessons/photos.py")
    (tmp_path / "mine.py").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_config("~/mine.py") == tmp_path / "mine.py"
    with pytest.raises(ConfigError, match="begins with ~nosuchuser"):
        find_config("~nosuchuser/mine.py")


@pytest.mark.parametrize("text", ["0s", "0.0h", "10", "5d", "-1m", "1h30m"])
def test_what_is_no_time(text):
    with pytest.raises(ValueError, match=re.escape(text)):
        seconds_of(text)


def test_times():
    assert seconds_of("") == math.inf
    assert [seconds_of(text) for text in ("90s", "10m", "1.5h")] == [90, 600, 5400]
    assert animals.get_config("data=x,time=10m").time_budget == "10m"


def test_fields_that_a_written_config_lacks_or_has_otherwise():
    config = default.get_config()
    assert missing_field(config) == ""
    config.optimizer.learning_rate = 1  # a whole number is a number
    assert missing_field(config) == ""
    with config.unlocked():
        del config.optimizer["eps"]
    assert missing_field(config) == "optimizer.eps"
    other = ConfigDict(default.get_config().to_dict() | {"seed": "x"})
    with pytest.raises(ConfigError, match="seed is 'x', but must be a whole number"):
        missing_field(other)


def test_functions_beside_a_config_are_called(tmp_path):
    file = tmp_path / "c.py"
    file.write_text("def sweep():\n    return 3\n\n\ndef search_space():\n    return [][0]\n")
    assert call_beside_config(str(file), ["sweep", "other"]) == {"sweep": 3}
    file.write_text(file.read_text() + "def given(arguments=''):\n    return arguments\n")
    assert call_beside_config(f"{file}:a=b:c", ["sweep", "given"]) == {"sweep": 3, "given": "a=b:c"}
    with pytest.raises(ConfigError, match=r"search_space\(\) in .*c.py fails: IndexError: list index out of range"):
        call_beside_config(str(file), ["search_space"])


def test_changed_fields_are_those_that_differ_from_the_defaults():
    config = default.get_config()
    assert changed_fields(config) == {}
    config.model.hidden = (3,)
    assert changed_fields(config) == {"model.hidden": (3,)}


def test_names_are_listed_with_commas():
    assert listed('age, fare,"last, first"') == listed('age,fare, "last, first"') == ("age", "fare", "last, first")
    assert listed("") == ()
    assert listed('"a\nb",c') == ("a\nb", "c")
    with pytest.raises(ConfigError, match=r"the names 'a\\x0ab' hold a line break: put commas between names"):
        listed("a\nb")
