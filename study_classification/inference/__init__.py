"""Uses a finished run: measures, predicts, explains.

predictor.py       the network of a run with the weights of one checkpoint, for Python programs
given_images.py    paths, Pillow images and arrays -> what the network sees
given_rows.py      CSV files, dicts and texts -> what the network sees
measure.py         measures a network on data, every example once
evaluate.py        metrics of a split or of other data, written to report.json
report.py          writes report.html of a run, at any time
attribution.py     which part of an example speaks for a class: Grad-CAM and other methods
explanation.py     which parts of an image do, by each method that a user may name
explain_images.py  draws which parts of an image speak for a class
explain_rows.py    prints which columns or words speak for a class
explain_layers.py  draws what the layers make of an image
split_features.py  features of a split, and the nearest training examples
neighbours.py      similar training images; labels that may be wrong
embeddings.py      draws a split as points on a plane
weights.py         how many weights are nearly 0
predict.py         images or rows in, one row each out, in constant memory
"""
