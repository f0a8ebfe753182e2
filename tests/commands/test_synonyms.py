import re

import pytest

from study_classification.commands import VERBS, synonyms
from study_classification.config import flatten
from study_classification.configs import default, photos

FIELDS = flatten(default.get_config())


def test_the_tables_lead_to_fields_and_flags_that_exist():
    assert set(synonyms.FIELDS.values()) <= FIELDS.keys()
    assert not set(synonyms.FIELDS) & FIELDS.keys()
    assert not set(synonyms.NO_FIELD) & FIELDS.keys()
    tables = [synonyms.FLAGS, synonyms.CONFIG_FLAGS, synonyms.RUN_FLAGS, *synonyms.VERB_FLAGS.values()]
    for text in {text for table in tables for text in table.values()}:
        for field in re.findall(r"--config\.([\w.]+)", text):
            assert field in FIELDS, text
        for flag in re.findall(r"--([a-z_]+)", text):
            assert any(flag == known.name for verb in VERBS.values() for known in verb.flags), text
        for argument in re.findall(r"photos\.py:(\w+)", text):
            photos.get_config(argument + {"epochs": "=3", "size": "=32", "runlocal": ""}.get(argument, "=x"))


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("lr", "optimizer.learning_rate"),
        ("optimizer.lr", "optimizer.learning_rate"),
        ("train.num-epochs", "total_epochs"),
        ("data.path", "data.source"),
        ("LR", "optimizer.learning_rate"),
        ("wd", "optimizer.weight_decay"),
        ("beta1", "optimizer.b1"),
        ("beta2", "optimizer.b2"),
        ("nonsense", ""),
    ],
)
def test_fields_by_their_name_in_the_field(name, field):
    assert synonyms.field_of(name) == field


def test_the_value_that_was_given_is_in_the_guide():
    assert "data=my photos" in synonyms.guide("train", ["config"], "data", "my photos")
    assert "data=FOLDER" in synonyms.guide("train", ["config"], "data", None)


def test_a_verb_without_run_and_config_is_not_led_to_them():
    assert synonyms.guide("check", ["out"], "config", "c.py").endswith("without a flag: check c.py")
    assert synonyms.guide("compare", ["out"], "epochs", "3") == ""
    assert "the run in --workdir has its own" in synonyms.guide("explain", ["workdir"], "epochs", "3")
