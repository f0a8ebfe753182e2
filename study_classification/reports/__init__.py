"""Numbers -> text and images; measures nothing, trains nothing.

metrics.py     what an evaluation found, as numbers and as a table
regression.py  the same of numbers
lettering.py   the words of a figure, in a font that has their letters
learned.py     what a network has learnt of few numbers: formula, curve, map
confusion.py   the confusion matrix, as an image and as a list
features.py    what the layers of a network make of an image
figures.py     the files of figures
grids.py       images in rows, with a few words to each
embeddings.py  points on a plane, coloured by class
curves.py      loss and measures by epoch, as an image
answers.py     what a network says of each example of a split
thresholds.py  ROC and precision-recall curves
calibration.py  whether probabilities are what they say, and the temperature that mends them
residuals.py   predicted numbers against true ones
weights.py     what the weights of simple networks say
facts.py       what a run is judged by, and what a finding is
diagnosis.py   what a run shows, with its evidence, and what to do next
layers.py      what its layers show
next_steps.py  the commands that follow a training
trials.py      the trials of a study, as a table and as images
tables.py      a table with its title, for a terminal and in Markdown
significance.py  whether two networks differ by more than chance
"""
