"""A wording as HTML in which the decision's values are still symbols.

The page, its blocks, the widgets and what is known beforehand are unfolded; what hangs on the decision stands as
elements of its own:

    <x-out e="f.status"/>                                              a value
    <x-do end="endif"><x-part head="if …">…</x-part></x-do>            a condition or a loop, with its parts
    <x-tag code="set ns.next = true"/>                                 any other statement

Inside a tag (style, class) a condition counts as false: it is there for the look of the empty form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from jinja2 import nodes
from jinja2.nodes import EvalContext, Impossible
from markupsafe import escape as escape_value

from qujat.errors import FormError
from qujat.rendering import TEMPLATES, environment
from wordbuild.source import source, tested

_BLANK = re.compile(r'<span class="blank ?(\w*)"(?: style="width: ([\d.]+)mm")?> ?</span>')


@dataclass(frozen=True)
class Fragment:
    """HTML that a `set` block, a caller or a widget has given."""

    html: str


@dataclass(frozen=True)
class Macro:
    node: nodes.Macro
    scope: Mapping[str, Any]


@dataclass
class Writer:
    """HTML as it grows."""

    parts: list[str] = field(default_factory=list)

    def write(self, html: str) -> None:
        self.parts.append(html)

    @property
    def html(self) -> str:
        return "".join(self.parts)

    @property
    def in_tag(self) -> bool:
        html = self.html
        return html.rfind("<") > html.rfind(">")


Scope = dict[str, Any]


def unfolded(template: str) -> str:
    """The whole page of a wording (path below templates/). Raises FormError for what cannot stand in Word."""
    tree = _parsed(template)
    blocks: dict[str, nodes.Block] = {}
    scope: Scope = {}
    while extends := next(tree.find_all(nodes.Extends), None):
        scope |= _definitions(tree)
        blocks = {block.name: block for block in tree.find_all(nodes.Block)} | blocks
        tree = _parsed(extends.template.as_const())
    # A Word file is never the signed thing: no seal, and the foot is Word's own.
    return _Unfolding(template, blocks).body(tree.body, scope | {"seal": nodes.Const(None), "foot": nodes.Const(())})


def _parsed(template: str) -> nodes.Template:
    return environment().parse((TEMPLATES / template).read_text(encoding="utf-8"), name=template)


def _definitions(tree: nodes.Template) -> Scope:
    """Macros of a file, and of the files that it imports, by their names."""
    found: Scope = {}
    for statement in tree.body:
        match statement:
            case nodes.Import(template=template, target=target):
                found[target] = _definitions(_parsed(template.as_const()))
            case nodes.Macro(name=name):
                found[name] = Macro(statement, found)
    return found


class _Unfolding:
    """One wording being unfolded."""

    def __init__(self, name: str, blocks: Mapping[str, nodes.Block]) -> None:
        self.name, self.blocks, self.context = name, blocks, EvalContext(environment(), name)

    def body(self, statements: Sequence[nodes.Node], scope: Scope, writer: Writer | None = None) -> str:
        writer = writer or Writer()
        for statement in statements:
            self._statement(statement, scope, writer)
        return writer.html

    def _statement(self, statement: nodes.Node, scope: Scope, writer: Writer) -> None:
        match statement:
            case nodes.Output(nodes=parts):
                for part in parts:
                    self._output(part, scope, writer)
            case nodes.Block(name=name):
                self.body(self.blocks.get(name, statement).body, dict(scope), writer)
            case nodes.If():
                self._if(statement, scope, writer)
            case nodes.For():
                self._for(statement, scope, writer)
            case nodes.CallBlock(call=call, body=body):
                writer.write(self._called(call, scope, Fragment(self.body(body, dict(scope)))))
            case nodes.AssignBlock(target=nodes.Name(name=name), body=body):
                scope[name] = Fragment(self.body(body, dict(scope)))
            case nodes.Assign():
                self._assign(statement, scope, writer)
            case nodes.Import() | nodes.Macro():
                pass
            case _:
                raise self._unknown(statement)

    def _output(self, part: nodes.Node, scope: Scope, writer: Writer) -> None:
        if isinstance(part, nodes.TemplateData):
            writer.write(part.data)
            return
        value = self._value(part, scope)
        if writer.in_tag and not isinstance(value, nodes.Const):
            writer.write(escape(f"{{{{ {source(value)} }}}}", {'"': "&quot;"}))
        else:
            writer.write(self._html(value))

    def _html(self, value: nodes.Expr | Fragment) -> str:
        match value:
            case Fragment(html=html):
                return html
            case nodes.Const(value=constant):
                return str(escape_value(constant))
            case _:
                return f"<x-out e={quoteattr(source(value))}/>"

    def _if(self, node: nodes.If, scope: Scope, writer: Writer) -> None:
        """Parts whose tests are known are chosen now."""
        parts: list[tuple[str, str]] = []
        for number, branch in enumerate([node, *node.elif_]):
            test = nodes.Const(False) if writer.in_tag else self._bare(branch.test, scope)
            if isinstance(test, nodes.Const) and not test.value:
                continue
            if isinstance(test, nodes.Const):
                parts.append(("else", self.body(branch.body, scope)))
                break
            parts.append((f"{'elif' if number and parts else 'if'} {tested(test)}", self.body(branch.body, scope)))
        else:
            if node.else_:
                parts.append(("else", self.body(node.else_, scope)))
        writer.write(_condition(parts))

    def _for(self, node: nodes.For, scope: Scope, writer: Writer) -> None:
        items = self._bare(node.iter, scope)
        if isinstance(items, nodes.Const) and not items.value:
            self.body(node.else_, scope, writer)
            return
        hidden = {name.name for name in node.target.find_all(nodes.Name)} | {node.target.name, "loop"}
        inner = {name: value for name, value in scope.items() if name not in hidden}
        test = f" if {tested(self._bare(node.test, inner))}" if node.test else ""
        head = f"for {source(node.target)} in {source(items)}{test}"
        parts = [(head, self.body(node.body, inner))]
        parts += [("else", self.body(node.else_, scope))] if node.else_ else []
        writer.write(_parts(parts, "endfor"))

    def _assign(self, node: nodes.Assign, scope: Scope, writer: Writer) -> None:
        """A name for what is known is remembered; anything else stands as it is."""
        if isinstance(node.target, nodes.Name):
            value = self._value(node.node, scope)
            if not isinstance(value, nodes.Call):
                scope[node.target.name] = value
                return
            scope.pop(node.target.name, None)
        writer.write(
            f"<x-tag code={quoteattr(f'set {source(node.target)} = {source(self._bare(node.node, scope))}')}/>"
        )

    def _value(self, node: nodes.Expr, scope: Scope) -> nodes.Expr | Fragment:
        """An expression with all that is known put in; HTML where a widget or a `set` block gave it."""
        if isinstance(node, nodes.Name) and node.name in scope:
            return scope[node.name]
        if isinstance(node, nodes.Call):
            if isinstance(node.node, nodes.Name) and node.node.name == "caller":
                return scope["caller"]
            if self._macro(node.node, scope):
                return Fragment(self._called(node, scope))
        if isinstance(node, nodes.CondExpr):
            return self._either(node, scope)
        return self._bare(node, scope)

    def _either(self, node: nodes.CondExpr, scope: Scope) -> nodes.Expr | Fragment:
        test = self._bare(node.test, scope)
        if isinstance(test, nodes.Const):
            return self._value(node.expr1 if test.value else node.expr2 or nodes.Const(""), scope)
        one, other = self._value(node.expr1, scope), self._value(node.expr2 or nodes.Const(""), scope)
        if isinstance(one, Fragment) or isinstance(other, Fragment):
            return Fragment(_condition([(f"if {tested(test)}", self._html(one)), ("else", self._html(other))]))
        return nodes.CondExpr(test, one, other)

    def _bare(self, node: Any, scope: Scope) -> Any:
        """An expression, or a part of one, with all that is known put in and worked out."""
        if isinstance(node, list):
            return [self._bare(entry, scope) for entry in node]
        if not isinstance(node, nodes.Node):
            return node
        if isinstance(node, nodes.Test) and node.name == "defined" and node.node == nodes.Name("caller", "load"):
            return nodes.Const("caller" in scope)
        if isinstance(node, nodes.Name) and node.name in scope:
            if not isinstance(scope[node.name], nodes.Expr):
                raise FormError(
                    f"{self.name}: {node.name} is words of the page here, not a value: it can only be printed"
                )
            return scope[node.name]
        changed = copy(node)
        for name, value in node.iter_fields():
            setattr(changed, name, self._bare(value, scope))
        return self._worked_out(changed)

    def _worked_out(self, node: nodes.Node) -> nodes.Node:
        if not isinstance(node, nodes.Expr) or isinstance(node, nodes.Const):
            return node
        try:
            return nodes.Const(node.as_const(self.context))
        except Impossible:
            return node

    def _macro(self, node: nodes.Expr, scope: Scope) -> Macro | None:
        match node:
            case nodes.Name(name=name):
                found = scope.get(name)
            case nodes.Getattr(node=nodes.Name(name=module), attr=attr) if isinstance(scope.get(module), dict):
                found = scope[module].get(attr)
            case _:
                found = None
        return found if isinstance(found, Macro) else None

    def _called(self, call: nodes.Call, scope: Scope, caller: Fragment | None = None) -> str:
        """What a widget prints."""
        macro = self._macro(call.node, scope)
        if macro is None:
            raise self._unknown(call)
        names = [argument.name for argument in macro.node.args]
        given = dict(zip(reversed(names), reversed(macro.node.defaults), strict=False))
        given |= dict(zip(names, (self._value(a, scope) for a in call.args), strict=False))
        given |= {k.key: self._value(k.value, scope) for k in call.kwargs}
        if missing := [name for name in names if name not in given]:
            raise FormError(f"{self.name}, line {call.lineno}: {macro.node.name}() wants {', '.join(missing)}")
        return self.body(macro.node.body, {**macro.scope, **given, **({"caller": caller} if caller else {})})

    def _unknown(self, node: nodes.Node) -> FormError:
        return FormError(f"{self.name}, line {node.lineno}: {type(node).__name__} is not known to the Word builder")


def _parts(parts: Sequence[tuple[str, str]], end: str) -> str:
    inner = "".join(f"<x-part head={quoteattr(head)}>{html}</x-part>" for head, html in parts)
    return f"<x-do end={quoteattr(end)}>{inner}</x-do>"


def _condition(parts: Sequence[tuple[str, str]]) -> str:
    """A condition; one that only gives a blank its width becomes a filter of the value."""
    if not parts or parts[0][0] == "else":
        return parts[0][1] if parts else ""
    blank = _BLANK.fullmatch(parts[0][1])
    value = parts[0][0].removeprefix("if ").removesuffix(".is_blank")
    if blank and [("else", f"<x-out e={quoteattr(value)}/>")] == list(parts[1:]):
        width = blank[2] or f'"{blank[1]}"'
        return f"<x-out e={quoteattr(f'{value}|blank({width})')}/>"
    return _parts(parts, "endif")
