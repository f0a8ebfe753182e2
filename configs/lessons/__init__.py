"""The lessons of the course, one config a lesson: each file's docstring has the question, the command and the result.

regression.py   1   a line through five points, by SGD
diabetes.py     1   a table of real numbers, a network of two hidden layers
xor.py          2   what a line cannot do, and a hidden layer can
binary.py       4   two classes, by one output and by two
reviews.py      4   film reviews, good or bad
inside.py       5   a convolutional network from inside
metrics.py      6   a rare class, where accuracy misleads
"""
