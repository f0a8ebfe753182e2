"""Labelled examples, from a source on disk to batches on the devices.

sources.py          folder, manifest, digits -> a list of labelled images
items.py            such a list, which may be long
folders.py          what lies in a folder, at any depth
tables.py           CSV and JSON lines -> rows of texts
shipped.py          tables and texts that have a name: scikit-learn's, tiny ones, film reviews
near.py             which images look alike
groups.py           which of them have to stay in one split
splits.py           which of them is for training, validation, test
staging.py          reading the files of the list, once, so that a killed preparation goes on
found.py            the readable ones as columns; how they are split, and what is reported of them
prepare.py          the list -> a TFDS data set in the cache
examine.py          every image looked at once, for `check`
report.py           what was found, as a text
prepared_images.py  that TFDS data set
prune.py            the cache without what nothing uses
rows.py             rows of tables and texts: listed, given their splits, kept in memory
dataset.py          prepared or TFDS data, or rows -> class names and splits with random access
order.py            which examples each step sees
batches.py          split -> batches on the devices, resident or streaming
seen.py             what training makes of the first images, to look at
"""
