"""The ReLUs of a network, read off its trace, whatever the network is called and its layers are named."""

from collections.abc import Callable

import jax
from jax import Array
from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal, jaxpr_as_fun
from jaxtyping import PyTree

NAMES = ("relu", "relu6")  # of functions of jax.nn that give 0 for all that is below 0


def with_relus(network: Callable[..., Array], *given: PyTree) -> tuple[Array, dict[str, Array]]:
    """What a network gives, and the values behind each of its ReLUs, [b, ..., units].

    Each is named by the layer whose values it takes, by its path such as `backbone/conv1`, or that of a block that adds
    two values up; with a number where that has several. A ReLU within a loop or a checkpointed part is not seen, and
    neither is one that is written as a maximum.

    Args:
        network: such arrays -> one array. It is traced here, and should be jitted from outside.
        given: trees of arrays.
    """
    traced = jax.make_jaxpr(network)(*given)
    jaxpr, equations = traced.jaxpr, traced.jaxpr.eqns
    makers = {value: equation for equation in equations for value in equation.outvars}
    found: dict[str, JaxprEqn] = {}
    for equation in equations:
        if _is_relu(equation):
            (taken,) = equation.invars
            path = _path(equation if isinstance(taken, Literal) else makers.get(taken, equation))
            number = 1 + sum(name.partition(" ")[0] == path for name in found)
            found[path if number == 1 else f"{path} {number}"] = equation
    outputs = [*jaxpr.outvars, *(equation.outvars[0] for equation in found.values())]
    whole = jaxpr_as_fun(ClosedJaxpr(jaxpr.replace(outvars=outputs), traced.consts))
    output, *values = whole(*jax.tree.leaves(given))
    return output, dict(zip(found, values, strict=True))


def _is_relu(equation: JaxprEqn) -> bool:
    """Whether it calls one: such functions have a derivative of their own around a jitted body of their name."""
    if equation.primitive.name != "custom_jvp_call":
        return False
    body = equation.params["call_jaxpr"].jaxpr.eqns
    return bool(body) and body[-1].params.get("name") in NAMES


def _path(equation: JaxprEqn) -> str:
    """Of the module that made a value, from backbone or head on."""
    parts = str(equation.source_info.name_stack).split("/")
    start = next((place for place, part in enumerate(parts) if part in ("backbone", "head")), 0)
    return "/".join(parts[start:])
