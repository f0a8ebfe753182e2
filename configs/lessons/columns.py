"""Lesson 10, third part. Does a column that somebody has thought of help a network?

COMMAND   study-classification tune --config=configs/lessons/columns.py --study=runs/columns
          behind the colon: epochs=N, runlocal
HARDWARE  any; 2 CPU cores are enough
TIME      35 s of processor time for the 15 runs (measured)
RESULT    mean squared error of validation, mean of three seeds: s1, s2, s3 4,135; with the logarithm 3,865; with the
          ratio 4,131; all columns but both 3,295; all columns 3,195 (measured)

scikit-learn's table of 442 patients has three values of their blood, s1 (cholesterol), s2 (LDL) and s3 (HDL), and how
far their diabetes went within a year. Another column, s5, was made of these three: it is ln(s1 - s2 - s3), the
logarithm of what is left when both kinds are taken away (all rows agree: correlation 0.99999). A linear network could
learn to subtract; it cannot take a logarithm. s4 is a ratio, s1 / s3, rounded in part.

The logarithm takes 7 % off the error of the three values, and both columns together 3 % off that of all. The ratio by
itself does nothing: not every column that somebody thought of helps. Only the validation rows, 221 of them, can say so.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default
from study_classification.studies.grid import Sweep


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, epochs=0.0, runlocal=False)
    config = default.get_config()
    config.task.name = "regression"
    config.data.source = "sklearn:diabetes"
    config.data.input = "tables"
    config.data.split_ratio = (1, 1, 0)     # the study compares; nothing is kept for a test
    config.model.name = "mlp"
    config.model.hidden = ()                # a linear model
    config.model.dropout = 0.0
    config.batch_size = 32
    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 3e-2
    config.monitor = "val_mse"
    config.total_epochs = given.epochs or (1.0 if given.runlocal else 60.0)
    return config


def sweep() -> Sweep:
    return Sweep(
        {
            "s1, s2, s3": {"data.columns": "s1,s2,s3"},
            "s1, s2, s3 and the logarithm": {"data.columns": "s1,s2,s3,s5"},
            "s1, s2, s3 and the ratio": {"data.columns": "s1,s2,s3,s4"},
            "all but s4 and s5": {"data.dropped": "s4,s5"},
            "all": {},
        },
        seeds=(0, 1, 2),
    )
