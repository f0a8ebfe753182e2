import json

import numpy as np
import pytest

from study_classification.errors import DataError, RunError
from study_classification.inputs.texts import TextPreprocess, learn_texts, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's GOOD, 10/10!", ["it's", "good", "10", "10"]),
        ("面白い映画ビデオ", list("面白い映画ビデオ")),
        ("ＡＢＣ ﾋﾞ", ["abc", "ビ"]),  # full and half width
        ("a_b 'quoted' l’été", ["a", "b", "quoted", "l’été"]),
        ("3D映画2本", ["3d", "映", "画", "2", "本"]),
        ("좋은 영화", ["좋은", "영화"]),
        (" <br /> ... ", ["br"]),
        ("", []),
    ],
)
def test_words(text, words):
    assert words_of(text) == words


def test_the_vocabulary_is_that_of_the_training_texts_by_frequency_and_name():
    learnt = learn_texts(["b a b", "d a c b"], "text", vocabulary=3)
    assert learnt == TextPreprocess("text", ("b", "a", "c"), 4)  # b 3 times, a twice, c and d once
    assert learnt.num_tokens == 5 and learnt.shape == (4,)


def test_tokens_of_a_text_and_what_is_said_of_them():
    learnt = learn_texts(["b a b", "c a d b"], "text", vocabulary=3, length=3)
    texts = ["A c zebra b", "b", "!"]
    tokens = np.stack([learnt.read({"text": text, "id": "7"}) for text in texts])
    np.testing.assert_array_equal(tokens, [[3, 4, 1], [2, 0, 0], [0, 0, 0]])
    assert tokens.dtype == np.int32
    assert learnt.remarks(tokens) == "3 texts of 3 words at most; 1 of 4 words unknown; 1 without a word"


def test_what_cannot_be_learnt_or_read():
    with pytest.raises(DataError, match=r"the column note has no word in any training row: .* data\.text"):
        learn_texts(["...", ""], "note", 10)
    with pytest.raises(DataError, match="the column text is missing"):
        learn_texts(["a"], "text", 10).read({"txt": "a"})


def test_json_and_back():
    learnt = learn_texts(["b a b", "映画"], "text", vocabulary=3)
    assert TextPreprocess.from_json(json.loads(json.dumps(learnt.to_json()))) == learnt
    for damage in ({"length": 0}, {"length": "4"}, {"words": 3}, {"words": [1]}):
        with pytest.raises(RunError, match=r"preprocess\.json is damaged"):
            TextPreprocess.from_json(learnt.to_json() | damage)
