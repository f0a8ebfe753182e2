from dataclasses import replace

import pytest

from study_classification.commands import VERBS, explain
from study_classification.commands.arguments import read_arguments
from study_classification.commands.flags import parse_flags
from study_classification.commands.verb import Given
from study_classification.errors import ConfigError
from study_classification.inference import embeddings, explain_images, explain_layers, explain_rows, neighbours
from study_classification.inputs.texts import TextPreprocess
from study_classification.runs import directory


def given(text: str) -> Given:
    return parse_flags(read_arguments(["explain", "--workdir=x", *text.split()], VERBS), VERBS)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("--layers a.png b.png", "explain --layers takes one picture, not 2: give it one at a time"),
        ("--layers --suspects", "--layers and --suspects are two questions: ask one at a time"),
        ("--split=test a.png", "--split is given, but it belongs to --embeddings: drop it"),
        ("--method=occlusion --neighbours a.png", "--method is given, but --neighbours has none: drop it"),
        ("--layers --out=y", "--out is given, but --layers draws features.png in --workdir: drop it"),
        ("--suspects a.png", "--suspects looks at the run's own data, not at a.png: drop it"),
    ],
)
def test_what_does_not_go_together_is_refused(text, sentence):
    with pytest.raises(ConfigError) as refused:
        explain.run(given(text))
    assert str(refused.value) == sentence


def test_each_question_goes_to_who_answers_it(run, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(explain_images, "explain_images", lambda *arguments: asked.append(arguments[1:]) or 3)
    for module, name in (
        (explain_layers, "explain_layers"),
        (embeddings, "explain_embeddings"),
        (neighbours, "explain_neighbours"),
        (neighbours, "explain_suspects"),
    ):
        monkeypatch.setattr(module, name, lambda *arguments: asked.append(arguments[1:]))
    values = {**given("").values, "workdir": str(run.workdir), "checkpoint": "last"}
    folder = run.workdir / "explain"
    assert explain.run(Given(values, ("a.png",))) == explain.run(Given(values | {"method": "occlusion"})) == 3
    assert asked == [(("a.png",), folder, "grad_cam", "last"), ((), folder, "occlusion", "last")]
    for more, inputs, arguments in (
        ({"suspects": True, "out": str(tmp_path / "o")}, (), (tmp_path / "o", "last")),
        ({"embeddings": True}, (), (folder, "validation", "last")),
        ({"embeddings": True, "split": "test"}, (), (folder, "test", "last")),
        ({"neighbours": True}, ("a.png",), (("a.png",), folder, "last")),
        ({"layers": True}, ("a.png",), ("a.png", "last")),
    ):
        assert explain.run(Given(values | more, inputs)) == 0
        assert asked[-1] == arguments


def test_rows_are_explained_in_one_way(run, monkeypatch):
    texts = replace(run, preprocess=TextPreprocess("text", ("a",), 1))
    monkeypatch.setattr(directory, "load", lambda workdir: texts)
    monkeypatch.setattr(explain_rows, "explain_rows", lambda *arguments: len(arguments[1]))
    assert explain.run(given("x.csv y.csv")) == explain.run(given("--method=gradient_input x.csv y.csv")) == 2
    with pytest.raises(ConfigError, match="--method is grad_cam, but texts are explained by gradient_input: drop it"):
        explain.run(given("--method=grad_cam x.csv"))


def test_methods_are_those_that_there_are():
    assert set(explain.METHODS) == set(explain_images.NOTES)
    assert explain.METHODS[0] == explain_images.GRAD_CAM
