"""A table, one row an example: `FILE.csv` with a column of labels, or a table that ships inside scikit-learn.

COMMAND   python -m study_classification.main --config=configs/table.py:data=FILE.csv,target=COLUMN --workdir=runs/table
          without data it is sklearn:breast_cancer, offline (also sklearn:iris, sklearn:wine); behind the colon also:
          columns="age,fare", dropped="name,ticket", epochs=N, runlocal
HARDWARE  any; 2 CPU cores are enough
TIME      10 s (measured, 2 CPU cores, compilation included)
RESULT    98.2 % of the 57 test rows of sklearn:breast_cancer (measured, jax 0.12)
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(
        arguments, data="sklearn:breast_cancer", target="target", columns="", dropped="", epochs=0.0, runlocal=False)
    config = default.get_config()
    config.data.source = given.data
    config.data.input = "tables"
    config.data.target = given.target
    config.data.columns = given.columns
    config.data.dropped = given.dropped
    config.model.name = "mlp"
    config.model.hidden = (64, 64)
    config.model.dropout = 0.2
    config.optimizer.name = "adamw"
    config.optimizer.learning_rate = 3e-3
    config.optimizer.weight_decay = 1e-2
    config.monitor = "val_loss"
    config.early_stopping.patience = 20
    config.total_epochs = given.epochs or (1.0 if given.runlocal else 60.0)
    return config
