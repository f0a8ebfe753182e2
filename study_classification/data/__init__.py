"""Labelled examples, from a source on disk to batches on the devices.

sources.py          folder, manifest, digits -> a list of labelled images
folders.py          what lies in a folder, at any depth
tables.py           CSV and JSON lines -> rows of texts
splits.py           which of them is for training, validation, test
prepare.py          the list -> a TFDS data set in the cache, and a report of what was found
prepared_images.py  that TFDS data set
dataset.py          prepared or TFDS data -> class names and splits with random access
order.py            which examples each step sees
batches.py          split -> batches on the devices, resident or streaming
"""
