"""A finished run at work.

predictor.py     the network of a run with the weights of one checkpoint, as Python programs use it
given_images.py  paths, Pillow images and arrays -> what the network sees
given_rows.py    CSV files, dicts and texts -> what the network sees
measure.py       a network on data, exactly
evaluate.py      exact metrics on a split or on other data, written to report.json
report.py        report.html, at any time
explain.py       what happens inside a network, as images
weights.py       how many weights are nearly 0
predict.py       images or rows in, one row each out, in constant memory
"""
