import numpy as np

from study_classification.inputs.texts import TextPreprocess
from study_classification.reports.weights import COLUMNS, linear_weights, plot_weights, telling_words


def arrays(kernel, **more):
    return {"head/classifier/kernel": np.array(kernel), "head/classifier/bias": np.zeros(len(kernel[0])), **more}


def test_two_outputs_are_one_weight():
    np.testing.assert_array_equal(linear_weights(arrays([[1.0, 3.0], [2.0, 0.0]]), 2), [[2.0], [-2.0]])
    np.testing.assert_array_equal(linear_weights(arrays([[1.0], [2.0]]), 2), [[1.0], [2.0]])
    assert linear_weights(arrays([[1.0]]), 2) is None  # it sees something else than the columns
    assert linear_weights(arrays([[1.0], [2.0]]), 1) is None
    assert linear_weights(arrays([[1.0]], hidden=np.ones(1)), 1) is None


def test_the_largest_weights_are_bars():
    weights = np.linspace(-1, 0.5, 30)[:, None]
    axes = plot_weights(weights, [f"c{i}" for i in range(30)], ("no", "yes")).axes[0]
    assert [bar.get_width() for bar in axes.patches][:2] == [weights[0, 0], weights[1, 0]]
    assert len(axes.patches) == COLUMNS and axes.get_xlabel() == "weight towards yes"
    assert [label.get_text() for label in axes.get_yticklabels()][:2] == ["c0", "c1"]


def test_several_outputs_are_a_map():
    axes = plot_weights(np.array([[0.1, 0.2, 0.0], [0.5, -1.0, 0.0]]), "ab", ("x", "y", "z")).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), [[0.5, -1.0, 0.0], [0.1, 0.2, 0.0]])
    assert axes.images[0].get_clim() == (-1, 1)


def test_the_most_telling_words_are_those_of_the_surest_answers():
    """The network is sure of `good` by the number of the word."""
    asked = []

    def answer(tokens):
        asked.append(tokens)
        share = np.maximum(tokens[:, 0], 1) / 10
        return np.log(np.stack([1 - share, share], axis=1))

    texts = TextPreprocess("text", ("w2", "w3", "w4", "w5", "w6"), 3)
    found = telling_words(answer, 4, texts, ("bad", "good"))
    assert [word for word, _ in found["good"]] == ["w6", "w5", "w4", "w3", "w2"]
    assert [word for word, _ in found["bad"]] == ["w2", "w3", "w4", "w5", "w6"]
    np.testing.assert_allclose(found["bad"][0][1], 0.8)
    assert [tokens.tolist() for tokens in asked][1] == [[6, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
