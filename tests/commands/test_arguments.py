import pytest

from study_classification.commands import VERBS
from study_classification.commands.arguments import VERB_SYNONYMS, read_arguments
from study_classification.errors import ConfigError


def read(text):
    return read_arguments(text.split(), VERBS)


@pytest.mark.parametrize(
    ("text", "verb", "flags", "inputs"),
    [
        ("", "train", [], []),
        ("--workdir=x evaluate", "evaluate", [("workdir", "x")], []),
        ("--workdir x evaluate -tta flip", "evaluate", [("workdir", "x"), ("tta", "flip")], []),
        ("evaluate --split train --data predict", "evaluate", [("split", "train"), ("data", "predict")], []),
        ("predict a.jpg --top_k 3 - b.jpg", "predict", [("top_k", "3")], ["a.jpg", "-", "b.jpg"]),
        ("predict --workdir=x -- -a.jpg --tta", "predict", [("workdir", "x")], ["-a.jpg", "--tta"]),
        ("predict --threshold -1 a", "predict", [("threshold", "-1")], ["a"]),
        ("predict --threshold -.5 a", "predict", [("threshold", "-.5")], ["a"]),
        ("--config=x:a=b=c --config.seed 3", "train", [("config", "x:a=b=c"), ("config.seed", "3")], []),
        (
            "--config x --config.model.head.fitted lr_find",
            "lr_find",
            [("config", "x"), ("config.model.head.fitted", None)],
            [],
        ),
        ("--noconfig.augment.horizontal_flip prepare", "prepare", [("noconfig.augment.horizontal_flip", None)], []),
        ("prepare --noconfig.seed x", "prepare", [("noconfig.seed", None)], ["x"]),
        ("prepare --prune --older_than 3", "prepare", [("prune", None), ("older_than", "3")], []),
        ("--prune prepare", "prepare", [("prune", None)], []),
        ("--workdir --config=x", "train", [("workdir", None), ("config", "x")], []),
        ("--epochs 5 --gpu evaluate", "evaluate", [("epochs", "5"), ("gpu", None)], []),
    ],
)
def test_flags_values_and_inputs(text, verb, flags, inputs):
    given = read(text)
    assert (given.verb, given.flags, given.inputs, given.help) == (verb, tuple(flags), tuple(inputs), False)


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("--help", ""),
        ("-h", ""),
        ("help", ""),
        ("evaluate --help", "evaluate"),
        ("--help predict", "predict"),
        ("help train", "train"),
    ],
)
def test_who_asks_for_help_is_helped(text, verb):
    given = read(text)
    assert given.help
    assert (given.verb if given.names_verb else "") == verb


def test_a_file_may_be_called_help():
    assert not read("predict --workdir=x help").help
    assert not read("predict --workdir=x -- --help").help


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trian", r"there is no verb 'trian': did you mean train\?"),
        ("classify a.jpg", r"did you mean predict\?"),
        ("search --config=x", r"did you mean tune\?"),
        ("info", r"did you mean summary\?"),
        ("configs/photos.py:data=x", r"a config follows its flag, --config=configs/photos\.py:data=x"),
        ("--config=photos epochs=3", r"stands behind its colon, as in --config=configs/photos\.py:epochs=3"),
        ("TRAIN", r"there is no verb 'TRAIN': did you mean train\?"),
        ("Fit", r"did you mean train\?"),
        ("lr-find", r"did you mean lr_find\?"),
        ("zzz", "valid are: train, evaluate, report, predict"),
    ],
)
def test_a_verb_that_does_not_exist(text, message):
    with pytest.raises(ConfigError, match=message):
        read(text)


def test_every_synonym_means_a_verb():
    assert set(VERB_SYNONYMS.values()) <= set(VERBS)
    assert not set(VERB_SYNONYMS) & set(VERBS)
