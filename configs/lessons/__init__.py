"""The lessons of the course, one config a lesson: each file's docstring has the question, the command and the result.

regression.py     1  a line through five points, by SGD
diabetes.py       1  a table of real numbers, a network of two hidden layers
xor.py            2  what a line cannot do, and a hidden layer can
mnist.py          3  a perceptron reads digits; the exercise; one-hot against integer labels
binary.py         4  two classes, by one output and by two
reviews.py        4  film reviews, good or bad
inside.py         5  a convolutional network from inside
metrics.py        6  a rare class, where accuracy misleads
optimizers.py     7  SGD, momentum, RMSprop, Adam on one network, and rates too small and too large
overfitting.py    8  networks too small and too large for their data
cures.py          8  what helps against over-fitting, and by how much
transfer.py       9  features, fine-tuning and from scratch, with few and many images
vgg.py            9  VGG-16 with its first four blocks frozen and a head of its own
data.py          10  wrong labels, found by the worst mistakes
augmentation.py  10  new views of the same images
columns.py       10  a column that somebody thought of
"""
