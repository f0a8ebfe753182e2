"""The lessons of the course, one config a lesson: each file's docstring has the question, the command and the result.

mnist.py        3   a perceptron reads digits; the exercise; one-hot against integer labels
"""
