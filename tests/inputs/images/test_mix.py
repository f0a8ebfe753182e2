"""Masks and mixtures counted by hand, and the shares that the papers draw."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from study_classification.inputs.images import mix

SIDE = 16


draw_masks = jax.jit(jax.vmap(mix.draw_mask, in_axes=(0, None, None, None)), static_argnums=1)


def masks(mixup=0.0, cutmix=0.0):
    return np.asarray(draw_masks(jax.random.split(jax.random.key(1), 2000), SIDE, mixup, cutmix))


def test_each_image_is_mixed_with_the_one_before_it():
    values = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    np.testing.assert_allclose(mix.mix(values, 0.75), [[1.75, 17.5], [1.75, 17.5], [3.5, 35.0]])
    own = np.array([1.0, 0.0])
    np.testing.assert_array_equal(mix.mix(values, own), [[1, 40], [2, 10], [4, 20]])


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_mixup_draws_one_share_from_the_beta_distribution(alpha):
    drawn = masks(mixup=alpha)
    assert (drawn == drawn[:, :1, :1]).all()
    assert stats.kstest(drawn[:, 0, 0], stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_cutmix_cuts_squares_whose_area_is_uniform_where_they_fit():
    drawn = masks(cutmix=1.0)
    assert set(np.unique(drawn)) == {0.0, 1.0}
    rows, columns = (drawn == 0).any(2), (drawn == 0).any(1)
    np.testing.assert_array_equal(drawn == 0, rows[:, :, None] & columns[:, None, :])  # a rectangle
    for lines in (rows, columns):  # without holes
        assert (np.abs(np.diff(np.pad(lines, ((0, 0), (1, 1))).astype(int), axis=1)).sum(1) <= 2).all()
    # Boxes that lie inside are squares of 2 x floor(16 sqrt(1 - share) / 2) pixels.
    inside = ~(drawn == 0)[:, [0, -1]].any((1, 2)) & ~(drawn == 0)[:, :, [0, -1]].any((1, 2))
    np.testing.assert_array_equal(rows[inside].sum(1), columns[inside].sum(1))
    assert set(rows[inside].sum(1)) == {0, 2, 4, 6, 8, 10, 12, 14}


def test_the_box_of_a_given_share():
    expected = np.ones((SIDE, SIDE))
    expected[:4, 5:11] = 0  # 6 x 6 around (1, 8), less two rows that lie outside
    found = mix._outside_of_box(1 - (6 / SIDE) ** 2, jnp.array([1, 8]), SIDE)
    np.testing.assert_array_equal(found, expected)


def test_with_both_a_coin_decides():
    drawn = masks(mixup=1.0, cutmix=1.0)
    boxes = ((drawn == 0) | (drawn == 1)).all((1, 2))
    assert 933 <= boxes.sum() <= 1067  # 3 standard deviations


def test_boxes_lie_around_every_pixel_the_last_one_too():
    removed = masks(cutmix=1.0) == 0
    for rows, columns in ((removed.any(2), removed.any(1)), (removed.any(1), removed.any(2))):
        # Around the last line a box of 2 h lines keeps h + 1, around the first h, where the other side is whole.
        whole = ~columns[:, 0] & ~columns[:, -1] & columns.any(1)
        assert (whole & rows[:, -1] & (rows.sum(1) == columns.sum(1) // 2 + 1)).any()
        assert (whole & rows[:, 0] & (rows.sum(1) == columns.sum(1) // 2)).any()
