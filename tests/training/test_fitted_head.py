import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from study_classification.data.dataset import open_dataset
from study_classification.data.sources import TRAIN
from study_classification.errors import ConfigError
from study_classification.training import fitted_head
from study_classification.training.feed import features_of_split
from study_classification.training.fitted_head import fit, one_logit, with_fitted_head
from study_classification.training.initial import first_variables
from study_classification.training.setup import resolve_config

RANDOM = np.random.default_rng(0)


def blobs(counts, dimensions=5):
    labels = np.repeat(np.arange(len(counts)), counts)
    return RANDOM.normal(size=(len(labels), dimensions)) + 2 * np.eye(dimensions)[labels], labels


@pytest.mark.parametrize("counts", [(20, 20), (20, 5, 10)])
@pytest.mark.parametrize("balanced", [False, True])
def test_the_head_is_scikit_learns(counts, balanced):
    features, labels = blobs(counts)
    model = LogisticRegression(max_iter=1000, class_weight="balanced" if balanced else None).fit(features, labels)
    kernel, bias = fit(features, labels, len(counts), balanced)
    logits = features @ kernel + bias
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(probabilities, model.predict_proba(features), atol=1e-5)


def test_a_class_without_an_example_is_never_said():
    features, labels = blobs((20, 0, 20))
    kernel, bias = fit(features, labels, 4, False)
    assert kernel.shape == (5, 4)
    assert not kernel[:, [1, 3]].any()
    assert bias[1] == bias[3] == min(bias[0], bias[2]) < 0
    assert set((features @ kernel + bias).argmax(1)) == {0, 2}


@pytest.fixture
def from_run(config, run):
    config.model.weights, config.learning, config.model.name = str(run.workdir), "transfer_learning", "tiny"
    (run.workdir / "classes.json").write_text('["a", "b", "c"]')  # so that the last layer starts anew
    config.model.head.fitted = True
    return config


def heads(config):
    experiment = resolve_config(config)
    data = open_dataset(experiment.config.data)
    first = first_variables(experiment, data)
    features = features_of_split(experiment, data, TRAIN, first)
    return features, with_fitted_head(experiment, data, first)["params"], first["params"]


@pytest.mark.parametrize("learning", ["transfer_learning", "fine_tuning"])
def test_training_starts_with_the_head_that_fits_the_training_split(from_run, learning):
    from_run.learning = learning
    features, params, first = heads(from_run)
    model = LogisticRegression(max_iter=1000).fit(features["features"], features["label"])
    np.testing.assert_allclose(params["head"]["classifier"]["kernel"], model.coef_.T, rtol=1e-5)
    assert params["backbone"] is first["backbone"]
    assert len(features["label"]) == 72  # 8 of 10 images


def test_of_many_images_some_are_taken_and_rare_classes_weigh_as_asked(from_run, monkeypatch):
    asked = []

    def noted(features, labels, num_classes, balanced):
        asked.append((features, balanced))
        return fit(features, labels, num_classes, balanced)

    monkeypatch.setattr(fitted_head, "EXAMPLES", 40)
    monkeypatch.setattr(fitted_head, "fit", noted)
    from_run.data.sampling = "balanced"
    features, _, _ = heads(from_run)
    ((taken, balanced),) = asked
    places = [int(np.flatnonzero((features["features"] == row).all(1))[0]) for row in taken]
    assert len(places) == 40 and places[-1] >= 40 and balanced  # of all 72, not the first ones


def test_one_logit_speaks_for_the_positive_class():
    kernel, bias = np.array([[1.0, 4.0]]), np.array([0.5, 2.0])
    assert [part.tolist() for part in one_logit(kernel, bias, 1)] == [[[3.0]], [1.5]]
    assert [part.tolist() for part in one_logit(kernel, bias, 0)] == [[[-3.0]], [-1.5]]


def test_a_head_that_came_with_the_weights_stays(from_run, run):
    (run.workdir / "classes.json").write_text('["0", "1", "2"]')
    _, params, first = heads(from_run)
    assert params is first


def test_without_being_asked_nothing_is_fitted(from_run):
    from_run.model.head.fitted = False
    _, params, first = heads(from_run)
    assert params is first


def test_only_a_linear_head_can_be_fitted(from_run):
    from_run.model.head.hidden = (4,)
    with pytest.raises(ConfigError, match=r"model\.head\.fitted is set, but the head of tiny is more than one linear"):
        resolve_config(from_run)
