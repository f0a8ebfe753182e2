import pytest

from study_classification.commands import VERBS, explain
from study_classification.commands.arguments import read_arguments
from study_classification.commands.flags import parse_flags
from study_classification.commands.verb import Given
from study_classification.errors import ConfigError
from study_classification.inference import explain_images, neighbours


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
    monkeypatch.setattr(neighbours, "explain_suspects", lambda *arguments: asked.append(arguments[1:]))
    values = given("").values
    assert explain.run(Given({**values, "workdir": str(run.workdir)}, ("a.png",))) == 3
    assert (
        explain.run(Given({**values, "workdir": str(run.workdir), "suspects": True, "out": str(tmp_path / "o")})) == 0
    )
    assert asked == [(("a.png",), run.workdir / "explain", "grad_cam", "best"), (tmp_path / "o", "best")]


def test_methods_are_those_that_there_are():
    assert set(explain.METHODS) == set(explain_images.NOTES)
    assert explain.METHODS[0] == explain_images.GRAD_CAM
