import numpy as np

from study_classification.reports.residuals import DOTS, plot_predicted, plot_residuals

TRUE, SAID = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0])


def test_predicted_numbers_stand_against_true_ones():
    axes = plot_predicted(TRUE, SAID, "price").axes[0]
    line, dots = axes.lines
    assert line.get_xydata().tolist() == [[1, 1], [4, 4]]
    assert dots.get_xydata().tolist() == [[1, 1.5], [2, 2], [4, 3]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("true price", "predicted price")


def test_residuals_are_predicted_less_true():
    axes, beside = plot_residuals(TRUE, SAID, "price").axes
    assert axes.lines[-1].get_xydata().tolist() == [[1.5, 0.5], [2, 0], [3, -1]]
    assert sum(bar.get_width() for bar in beside.patches) == 3


def test_of_many_examples_some_are_drawn():
    many = np.arange(10_000.0)
    drawn = plot_predicted(many, many, "y").axes[0].lines[1].get_xdata()
    assert len(drawn) == DOTS and (drawn[0], drawn[-1]) == (0, 9999)  # evenly, from the first to the last
