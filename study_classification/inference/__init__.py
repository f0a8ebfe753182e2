"""A finished run at work.

predictor.py       the network of a run with the weights of one checkpoint, as Python programs use it
given_images.py    paths, Pillow images and arrays -> what the network sees
given_rows.py      CSV files, dicts and texts -> what the network sees
measure.py         a network on data, exactly
evaluate.py        exact metrics on a split or on other data, written to report.json
report.py          report.html, at any time
attribution.py     which part of an example speaks for a class: Grad-CAM and its like
explanation.py     that of an image, by each method that a user may name
explain_images.py  that of images, drawn
explain_rows.py    that of rows and texts, by column and word
explain_layers.py  what the layers make of an image, drawn
split_features.py  what the last layers work on, of a split; who is near whom
neighbours.py      similar training images; labels that may be wrong
embeddings.py      a split as points on a plane
weights.py         how many weights are nearly 0
predict.py         images or rows in, one row each out, in constant memory
"""
