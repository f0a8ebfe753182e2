"""Numbers -> text and pictures; measures nothing, trains nothing.

metrics.py     what an evaluation found, as numbers and as a table
curves.py      loss and measures by epoch, as a picture
diagnosis.py   what the curves say, and what to do next
"""
