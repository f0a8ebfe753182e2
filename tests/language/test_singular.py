import pytest

from study_classification.language.singular import KINDS, NOUNS, in_singular
from study_classification.language.translate import said_on_page, translated


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Trained for 1 epochs", "Trained for 1 epoch"),
        ("fell by 2.0% in the last 1 epochs", "fell by 2.0% in the last epoch"),
        ("1 classes: 1 train, 3 validation", "1 class: 1 train, 3 validation"),
        ("with 1 training pictures (1 steps).", "with 1 training picture (1 step)."),
        (
            "1 pictures were right, and 1 other processes are waiting",
            "1 picture was right, and 1 other process is waiting",
        ),
        ("1 pictures that are more than three times as long", "1 picture that is more than three times as long"),
        ("  1 hidden files or folders skipped", "  1 hidden file or folder skipped"),
        ("  1 texts\n1 rows", "  1 text\n1 row"),
    ],
)
def test_one_of_something(text, said):
    assert in_singular(text) == said == translated(text)


@pytest.mark.parametrize(
    "text",
    [
        "Trained for 21 epochs",
        "11 pictures, 0.1 epochs, 1,001 rows, 1.1 epochs",
        "in the last 1 of 3 epochs",
        "trip/1 pictures cannot be read",
        "my 1 pictures/cat.jpg cannot be read",
        "always saying 1 gives 3 pictures",
        "the class '1 rows'",
    ],
)
def test_what_is_no_such_count(text):
    assert in_singular(text) == text


def test_a_sentence_of_a_page():
    assert said_on_page("Of {} test {}, {}", 1, "rows", "1 pictures") == "Of 1 test row, 1 picture"


def test_every_noun_has_a_singular():
    assert {in_singular(f"1 {kind} {noun}") for noun in NOUNS for kind in KINDS} >= {"1 more class", "1 more process"}
    assert not any(in_singular(f"1 {noun}").endswith("ses") for noun in NOUNS)
