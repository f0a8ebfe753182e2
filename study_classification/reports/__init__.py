"""Numbers -> text and images; measures nothing, trains nothing.

metrics.py     what an evaluation found, as numbers and as a table
regression.py  the same of numbers
lettering.py   names as a figure can show them
learned.py     what a network has learnt of few numbers: formula, curve, map
confusion.py   the confusion table, as an image
features.py    what the layers of a network make of an image
curves.py      loss and measures by epoch, as an image
diagnosis.py   what the curves say, and what to do next
trials.py      the trials of a study, as a table and as images
tables.py      a table with its title, for a terminal and in Markdown
significance.py  whether two networks differ by more than chance
"""
