"""Labelled examples, from a source on disk to batches on the devices.

sources.py          folder, manifest, digits -> a list of labelled images
items.py            the list of labelled images, which may be long
folders.py          what lies in a folder, at any depth
tables.py           CSV and JSON lines -> rows of cells
shipped.py          tables and texts that have a name: scikit-learn's, tiny ones, film reviews
near.py             which images look alike
groups.py           which images have to stay in one split
splits.py           which image is for training, validation or test
staging.py          reads the listed files once; a killed preparation goes on where it stopped
found.py            the readable images as columns: their splits and their report
prepare.py          the list -> a TFDS data set in the cache
examine.py          looks at every image once, for `check`
report.py           the report of a data set as text
prepared_images.py  writes the TFDS data set of the cache
prune.py            removes from the cache what nothing uses
rows.py             rows of tables and texts: listed, given their splits, kept in memory
dataset.py          prepared or TFDS data, or rows -> class names and splits with random access
order.py            which examples each step sees
batches.py          split -> batches on the devices, resident or streaming
seen.py             what training makes of the first images, to look at
"""
