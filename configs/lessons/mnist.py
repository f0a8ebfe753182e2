"""Lesson 3. Can a perceptron of one hidden layer read digits?

COMMAND   study-classification --config=configs/lessons/mnist.py --workdir=runs/mnist
          study-classification --config=configs/lessons/mnist.py:exercise --workdir=runs/mnist_exercise
          behind the colon also: data=FOLDER for MNIST itself, 28 x 28 (`train/DIGIT/*.png`, `test/DIGIT/*.png`, or
          tfds:mnist), epochs=N, runlocal
HARDWARE  any; 2 CPU cores are enough
TIME      10 s each (7 s of processor time, measured)
RESULT    validation accuracy 0.926 after 10 epochs, test 0.903 (270 of 299); exercise 0.930 and 0.923 (276)
          (measured, digits)

The network of every course: pixels, 128 hidden units with ReLU, dropout 0.2, 10 outputs; batches of 128, 10 epochs,
Adam 0.001, and 20 % of what is not for the test for validation. Without `data=` the pixels are 8 x 8, those of the
digits that ship inside scikit-learn, so the network is 64-128-10: 64 x 128 + 128 + 128 x 10 + 10 = 9,610 parameters. Of
MNIST it is 784-128-10: 101,770.

EXERCISE  With 64 hidden units, batches of 16 and 5 epochs: how many parameters are there, how many steps are taken, and
          which of the two networks is better?
ANSWER    64 x 64 + 64 + 64 x 10 + 10 = 4,810 parameters, half as many. Of 1,199 training images, batches of 128 make 94
          steps in 10 epochs, batches of 16 make 375 in 5. The smaller network is a little better after half of the
          epochs (validation loss 0.411 against 0.672), for it was corrected four times as often. On MNIST itself, with
          its 48,000 training images, nobody lacks steps, and the larger network is better: 0.975 against 0.968 of the
          validation images (48 s and 29 s of processor time, measured)

LABELS    A label is one whole number, 3. Other programs want it one-hot, (0, 0, 0, 1, 0, 0, 0, 0, 0, 0), and have one
          loss for each form ("categorical" and "sparse categorical" cross-entropy). The loss is the same number. With
          three classes, probabilities (0.2, 0.7, 0.1) and label 1:
            one-hot   -(0 x ln 0.2 + 1 x ln 0.7 + 0 x ln 0.1) = 0.357
            integer   -ln 0.7                                 = 0.357
          The zeros take the other terms away, so the number alone says which logarithm to take. One-hot labels are
          needed where a label is no class but a mixture, as with label smoothing, Mixup and CutMix; this program makes
          them itself (tests/configs/lessons/test_mnist.py).
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, data="digits", exercise=False, epochs=0.0, runlocal=False)
    config = default.get_config()
    config.data.source = given.data
    config.data.split_ratio = (4, 1, 1)     # validation is 20 % of what is not for the test
    config.preprocess.image_size = 8 if given.data == "digits" else 28
    config.preprocess.channels = 1
    config.preprocess.mean = (0.0,)         # pixels from 0 to 1
    config.preprocess.std = (1.0,)
    config.model.name = "mlp"
    config.model.hidden = (64,) if given.exercise else (128,)
    config.model.dropout = 0.2
    config.batch_size = 16 if given.exercise else 128
    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 1e-3
    config.schedule.name = "constant"
    config.total_epochs = given.epochs or (1.0 if given.runlocal else 5.0 if given.exercise else 10.0)
    return config
