import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.configs import default
from study_classification.errors import ConfigError
from study_classification.inference import explain_rows as module
from study_classification.inference.explain_rows import contributions, explain_rows
from study_classification.inference.predictor import load_predictor
from study_classification.runs import directory
from study_classification.training.loop import train_and_evaluate


@pytest.fixture(scope="module")
def made(tmp_path_factory, cache):
    """Linear runs of a table and of texts, each on a handful of rows."""
    root = tmp_path_factory.mktemp("rows")
    lines = [f"{'ab'[i % 2]},{i},{'yes' if i % 2 else 'no'}" for i in range(40)]
    (root / "table.csv").write_text("\n".join(["kind,size,target", *lines]) + "\n")
    words = [f"{'good' if i % 2 else 'bad'} film number {i},{'yes' if i % 2 else 'no'}" for i in range(40)]
    (root / "text.csv").write_text("\n".join(["text,target", *words]) + "\n")
    runs = {}
    for kind, model in (("table", "mlp"), ("text", "text_average")):
        config = default.get_config()
        config.data.source, config.data.input = str(root / f"{kind}.csv"), f"{kind}s"
        config.data.cache_dir, config.model.name, config.model.hidden = str(cache), model, ()
        config.total_epochs, config.batch_size = 1.0, 8
        train_and_evaluate(config, root / kind)
        runs[kind] = load_predictor(directory.load(root / kind), "best")
    return runs


def scores_of(predictor, values):
    return np.asarray(predictor.model.apply(predictor.variables, jnp.asarray(values)[None], train=False))[0]


@pytest.mark.parametrize(
    ("kind", "row", "parts"),
    [
        ("table", {"size": "6", "kind": "b"}, ["kind = b", "size = 6"]),
        ("text", {"text": "Good good film never"}, ["good", "film", "never"]),
    ],
)
def test_what_is_added_is_all_of_the_score_but_the_bias(made, kind, row, parts):
    predictor = made[kind]
    values = predictor.preprocess.read(row)
    said, found = contributions(predictor, values, row)
    scores = scores_of(predictor, values)
    label = int(scores.argmax())
    assert said.split()[0] == predictor.class_names[label] and list(found) == parts
    bias = float(predictor.variables["params"]["head"]["classifier"]["bias"][label])
    np.testing.assert_allclose(sum(found.values()), scores[label] - bias, rtol=1e-4)
    if kind == "table":
        kernel = np.asarray(predictor.variables["params"]["head"]["classifier"]["kernel"])[:, label]
        np.testing.assert_allclose(found["size = 6"], values[3] * kernel[3], rtol=1e-4)


def test_what_matters_most_comes_first_whatever_its_sign(made, tmp_path, monkeypatch, capsys):
    parts = {f"part {number}": float((-1) ** number * number) for number in range(17)}
    monkeypatch.setattr(module, "contributions", lambda *given: ("yes 90.0%", parts))
    (tmp_path / "new.csv").write_text("size,kind\n6,b\n")
    assert explain_rows(made["table"].run, [str(tmp_path / "new.csv")]) == 0
    lines = capsys.readouterr().out.splitlines()[-15:]
    assert [line.split()[1:] for line in lines[:2]] == [["16", "+16"], ["15", "-15"]]
    assert [int(line.split()[1]) for line in lines] == list(range(16, 1, -1))


def test_rows_of_a_file(made, tmp_path, capsys):
    file = tmp_path / "new.csv"
    file.write_text("size,kind\n6,b\nlarge,a\n")
    assert explain_rows(made["table"].run, [str(file)]) == 3
    out = capsys.readouterr().out
    assert f"{file}:2: " in out and "  size = 6  " in out.replace("kind = b", "size = 6")
    assert f"{file}:3 cannot be read: the column size holds 'large'" in out
    with pytest.raises(ConfigError, match="has learnt from rows: name a CSV file with those to explain"):
        explain_rows(made["table"].run, [])
