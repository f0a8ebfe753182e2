from types import SimpleNamespace

import pytest

from study_classification.configs import default
from study_classification.training import describe


@pytest.mark.parametrize(
    ("task", "class_names", "title"),
    [
        ("softmax", ("a", "b"), "mlp, 2 classes, rows of 3\n\nthe table"),
        ("sigmoid", ("a", "b"), "mlp, 2 classes by one output, rows of 3\n\nthe table"),
        ("regression", (), "mlp, a number, rows of 3\n\nthe table"),
    ],
)
def test_the_title_says_what_is_learnt_and_the_table_what_is_trained(monkeypatch, task, class_names, title):
    asked = []
    monkeypatch.setattr(describe, "summarize", lambda *given: asked.append(given))
    monkeypatch.setattr(describe, "format_summary", lambda summary: "the table")
    config = default.get_config()
    config.task.name, config.model.name, config.model.hidden = task, "mlp", (4,)
    config.learning, config.fine_tuning.frozen, config.batch_size = "fine_tuning", ("backbone/",), 7
    preprocess = SimpleNamespace(shape=(3,), noun="rows", num_tokens=0)
    assert describe.describe_network(config, preprocess, class_names) == title
    ((_, shape, batch_size, trainable, optimizer, noun),) = asked
    assert (shape, batch_size, noun) == ((3,), 7, "rows") and optimizer is not None
    assert trainable("head/classifier/kernel") and not trainable("backbone/dense1/kernel")
