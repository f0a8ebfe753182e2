"""Cuts a network of images in two parts, at the last map through which everything that it knows of an image passes.

This map enters the global pooling or the flattening. The names of the network and its layers play no role.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
from jax import Array, ShapeDtypeStruct
from jax.core import AbstractValue
from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal, Var, jaxpr_as_fun
from jaxtyping import PyTree

Atom = Var | Literal
Part = Callable[[PyTree, Array], Array]


class Parts(NamedTuple):
    """The two parts of a network, which is `after(variables, before(variables, images))`.

    Attributes:
        before: variables, images -> the map [b, h, w, c].
        after: variables, the map -> the output of the network.
    """

    before: Part
    after: Part


def parts_at_last_map(network: Part, variables: PyTree, images: ShapeDtypeStruct) -> Parts | None:
    """The two parts; None if no single map of several places stands between image and output.

    The network is read off its trace. Among the values that depend on the image it looks for bottlenecks: values that
    all later ones need, with nothing that goes round them (as something goes round a branch of a residual block). It
    takes the last bottleneck that is a map of more than one place. A map of the shape of the image, such as the
    normalised image, counts as an image.

    Args:
        network: variables, images [b, h, w, c] -> one array. It is traced, not run.
        variables: arrays, or their shapes and types.
        images: the shape and type of the images that the parts will take.
    """
    traced = jax.make_jaxpr(network)(variables, images)
    jaxpr, equations = traced.jaxpr, traced.jaxpr.eqns
    *arrays, image = jaxpr.invars
    needs_image = _depending(equations, image)
    maps = [
        (number, value)
        for number, value in enumerate(_alone_after(equations, needs_image, jaxpr.outvars))
        if value is not None and _is_map(value.aval, images.shape)
    ]
    if not maps:
        return None
    place, value = maps[-1]
    # What does not depend on the image, such as a reshaped bias, may be needed on both sides.
    later = [
        equation
        for number, equation in enumerate(equations)
        if number > place or not needs_image.intersection(equation.outvars)
    ]
    first = jaxpr.replace(outvars=[value], eqns=equations[: place + 1])
    rest = jaxpr.replace(invars=[*arrays, value], eqns=later)
    return Parts(*(_function(ClosedJaxpr(part, traced.consts)) for part in (first, rest)))


def _function(jaxpr: ClosedJaxpr) -> Part:
    return lambda variables, values: jaxpr_as_fun(jaxpr)(*jax.tree.leaves(variables), values)[0]


def _is_map(value: AbstractValue, image: tuple[int, ...]) -> bool:
    shape: tuple[int, ...] = getattr(value, "shape", ())  # a token has none
    return len(shape) == 4 and shape[0] == image[0] and shape[1] * shape[2] > 1 and shape[1:] != image[1:]


def _depending(equations: list[JaxprEqn], given: Var) -> set[Var]:
    """The given value and all values that depend on it."""
    found = {given}
    for equation in equations:
        if any(not isinstance(value, Literal) and value in found for value in equation.invars):
            found.update(equation.outvars)
    return found


def _alone_after(equations: list[JaxprEqn], tracked: set[Var], outputs: list[Atom]) -> list[Var | None]:
    """For each equation the one tracked value that later equations need; None if they need several."""
    last_use = {
        value: number
        for number, equation in enumerate(equations)
        for value in equation.invars
        if not isinstance(value, Literal) and value in tracked
    }
    last_use |= {value: len(equations) for value in outputs if not isinstance(value, Literal)}
    needed = tracked.intersection(last_use).difference(*(equation.outvars for equation in equations))
    found = []
    for number, equation in enumerate(equations):
        needed |= tracked.intersection(last_use, equation.outvars)
        needed = {value for value in needed if last_use[value] > number}
        found.append(next(iter(needed)) if len(needed) == 1 else None)
    return found
