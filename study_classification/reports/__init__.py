"""Numbers -> text and images; measures nothing, trains nothing.

metrics.py     what an evaluation found, as numbers and as a table
regression.py  the same of numbers
lettering.py   names as a figure can show them
learned.py     what a network has learnt of few numbers: formula, curve, map
confusion.py   the confusion table, as an image
features.py    what the layers of a network make of an image
grids.py       images in rows, with a few words to each
embeddings.py  points on a plane, coloured by class
curves.py      loss and measures by epoch, as an image
diagnosis.py   what the curves say, and what to do next
trials.py      the trials of a study, as a table and as images
"""
