"""Jinja expressions written out again as text."""

from __future__ import annotations

from typing import Any

from jinja2 import nodes

from qujat.errors import FormError

_COMPARE = {
    "eq": "==",
    "ne": "!=",
    "gt": ">",
    "gteq": ">=",
    "lt": "<",
    "lteq": "<=",
    "in": "in",
    "notin": "not in",
}
_BINARY = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "FloorDiv": "//", "Mod": "%", "And": "and", "Or": "or"}
_SIMPLE = (nodes.Name, nodes.NSRef, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Call, nodes.List, nodes.Tuple)


def source(node: nodes.Node) -> str:
    """The text of an expression; parsed again it is the same expression. Raises FormError for a kind not known."""
    match node:
        case nodes.Const(value=value):
            return _constant(value)
        case nodes.Name(name=name):
            return name
        case nodes.NSRef(name=name, attr=attr):
            return f"{name}.{attr}"
        case nodes.Getattr(node=inner, attr=attr):
            return f"{_operand(inner)}.{attr}"
        case nodes.Getitem(node=inner, arg=arg):
            return f"{_operand(inner)}[{source(arg)}]"
        case nodes.Slice(start=start, stop=stop):
            return f"{source(start) if start else ''}:{source(stop) if stop else ''}"
        case nodes.Call() | nodes.Filter() | nodes.Test():
            return _applied(node)
        case nodes.List(items=items):
            return f"[{', '.join(map(source, items))}]"
        case nodes.Tuple(items=items):
            return f"({', '.join(map(source, items))}{',' if len(items) == 1 else ''})"
        case _:
            return _operation(node)


def _operation(node: nodes.Node) -> str:
    match node:
        case nodes.Not(node=inner):
            return f"not {_operand(inner)}"
        case nodes.CondExpr(test=test, expr1=one, expr2=other):
            return f"{_operand(one)} if {_operand(test)} else {_operand(other or nodes.Const(''))}"
        case nodes.Compare(expr=expr, ops=ops):
            return _operand(expr) + "".join(f" {_COMPARE[o.op]} {_operand(o.expr)}" for o in ops)
        case nodes.Concat(nodes=parts):
            return " ~ ".join(map(_operand, parts))
        case nodes.BinExpr(left=left, right=right):
            return f"{_operand(left)} {_BINARY[type(node).__name__]} {_operand(right)}"
    raise FormError(f"line {node.lineno}: {type(node).__name__} is not known to the Word builder")


def _applied(node: nodes.Call | nodes.Filter | nodes.Test) -> str:
    given = [*map(source, node.args), *(f"{k.key}={source(k.value)}" for k in node.kwargs)]
    words = f"({', '.join(given)})"
    match node:
        case nodes.Call(node=inner):
            return _operand(inner) + words
        case nodes.Filter(node=inner, name=name):
            return f"{_operand(inner)}|{name}{words if given else ''}"
        case nodes.Test(node=inner, name=name):
            return f"{_operand(inner)} is {name}{words if given else ''}"


def _operand(node: nodes.Node) -> str:
    return source(node) if isinstance(node, _SIMPLE) else f"({source(node)})"


def _constant(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}'" if '"' in value else f'"{value}"'
    return str(value)


def tested(node: nodes.Node) -> str:
    """The text of an expression after "if"."""
    return _operand(node) if isinstance(node, nodes.CondExpr) else source(node)
