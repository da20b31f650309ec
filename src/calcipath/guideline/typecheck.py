"""Types, units and dimensions of a condition, checked once when the guideline is loaded.

The checked tree compares and adds plain numbers: wherever units differ a `Scale` node is inserted, with the
analyte's molar mass where mass and amount of substance meet.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping

from calcipath.guideline.analytes import Analyte
from calcipath.guideline.expression import (
    And,
    Arithmetic,
    AtLeast,
    Case,
    Compare,
    Expression,
    ExpressionError,
    Extreme,
    Is,
    Literal,
    Member,
    Not,
    Or,
    RangePosition,
    Reference,
    Scale,
    children,
)
from calcipath.guideline.model import ValueType
from calcipath.guideline.units import UnitError, conversion, divide, multiply, parse_unit, power

BOOLEAN = ValueType("boolean")
Checked = tuple[Expression, ValueType | None]  # the type is None for null


class TypeChecker:
    """Checks conditions against the types of all names; `analytes` by id give molar masses."""

    def __init__(self, types: Mapping[str, ValueType], analytes: Mapping[str, Analyte]) -> None:
        self._types = types
        self._analytes = analytes

    def type_of(self, name: str) -> ValueType:
        """The declared type of a name."""
        return self._types[name]

    def condition(self, tree: Expression) -> Expression:
        """The checked tree of a boolean condition. Raises `ExpressionError`."""
        return self.expression(tree, BOOLEAN)

    def expression(self, tree: Expression, expected: ValueType) -> Expression:
        """The checked tree of an expression of the `expected` type, in its unit. Raises `ExpressionError`."""
        checked, found = self._check(tree)
        if found is None:
            return checked
        if found.kind != expected.kind:
            raise ExpressionError(f"this gives a {found.kind}, a {expected.kind} is needed", _offset(tree))
        if expected.kind == "quantity":
            return self._in_unit(checked, found, expected, _offset(tree))
        if expected.kind == "text" and expected.values and not set(found.values) <= set(expected.values):
            stray = ", ".join(sorted(set(found.values) - set(expected.values)))
            raise ExpressionError(f"'{stray}' is not one of the declared values", _offset(tree))
        return checked

    def _check(self, tree: Expression) -> Checked:
        method: Callable[[Expression], Checked] = getattr(self, "_check_" + type(tree).__name__.lower())
        return method(tree)

    def _check_literal(self, tree: Literal) -> Checked:
        if tree.value is None:
            return tree, None
        if isinstance(tree.value, bool):
            return tree, BOOLEAN
        if isinstance(tree.value, str):
            return tree, ValueType("text", values=(tree.value,))
        try:
            parse_unit(tree.unit)
        except UnitError as error:
            raise ExpressionError(str(error), tree.offset) from None
        return tree, ValueType("quantity", tree.unit or "1")

    def _check_reference(self, tree: Reference) -> Checked:
        if tree.name not in self._types:
            near = difflib.get_close_matches(tree.name, self._types, 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise ExpressionError(f'there is no fact or definition named "{tree.name}"{hint}', tree.offset)
        return tree, self._types[tree.name]

    def _check_not(self, tree: Not) -> Checked:
        return Not(self.condition(tree.operand)), BOOLEAN

    def _check_and(self, tree: And) -> Checked:
        return And(tuple(map(self.condition, tree.operands))), BOOLEAN

    def _check_or(self, tree: Or) -> Checked:
        return Or(tuple(map(self.condition, tree.operands))), BOOLEAN

    def _check_atleast(self, tree: AtLeast) -> Checked:
        return AtLeast(tree.count, tuple(map(self.condition, tree.operands))), BOOLEAN

    def _check_compare(self, tree: Compare) -> Checked:
        left, left_type = self._check(tree.left)
        right, right_type = self._check(tree.right)
        if left_type is None or right_type is None:
            raise ExpressionError("compare with null by 'is null'", tree.offset)
        if left_type.kind != right_type.kind or left_type.kind == "boolean":
            raise ExpressionError(f"a {left_type.kind} cannot be compared with a {right_type.kind}", tree.offset)
        if left_type.kind == "text":
            return self._text_comparison(tree, left, left_type, right, right_type), BOOLEAN
        right = self._in_unit(right, right_type, left_type, tree.offset)
        return Compare(tree.operator, left, right, tree.offset), BOOLEAN

    def _text_comparison(
        self, tree: Compare, left: Expression, left_type: ValueType, right: Expression, right_type: ValueType
    ) -> Expression:
        if tree.operator not in ("=", "!="):
            raise ExpressionError("texts are compared with = or != only", tree.offset)
        if left_type.values and right_type.values and not set(left_type.values) & set(right_type.values):
            raise ExpressionError(f"the value is one of {', '.join(left_type.values)}", tree.offset)
        return Compare(tree.operator, left, right, tree.offset)

    def _check_member(self, tree: Member) -> Checked:
        operand, found = self._check(tree.operand)
        if found is None or found.kind != "text":
            raise ExpressionError("'in' needs a text fact on its left", tree.offset)
        stray = set(tree.values) - set(found.values)
        if found.values and stray:
            raise ExpressionError(
                f"'{min(stray)}' is not possible: the value is one of {', '.join(found.values)}", tree.offset
            )
        return Member(operand, tree.values, tree.offset), BOOLEAN

    def _check_is(self, tree: Is) -> Checked:
        operand, found = self._check(tree.operand)
        if tree.test != "null" and found is not None and found.kind != "boolean":
            raise ExpressionError(f"'is {tree.test}' needs a condition", _offset(tree.operand))
        return Is(operand, tree.test, tree.negated), BOOLEAN

    def _check_arithmetic(self, tree: Arithmetic) -> Checked:
        left, left_type = self._quantity(tree.left, tree.offset)
        if tree.operator == "^":
            return self._power(tree, left, left_type)
        right, right_type = self._quantity(tree.right, tree.offset)
        if tree.operator in "+-":
            right = self._in_unit(right, right_type, left_type, tree.offset)
            return Arithmetic(tree.operator, left, right, tree.offset), left_type
        join = multiply if tree.operator == "*" else divide
        unit = join(parse_unit(left_type.unit), parse_unit(right_type.unit))
        return Arithmetic(tree.operator, left, right, tree.offset), ValueType("quantity", unit.code)

    def _power(self, tree: Arithmetic, left: Expression, left_type: ValueType) -> Checked:
        right, right_type = self._quantity(tree.right, tree.offset)
        if any(parse_unit(right_type.unit).dimension):
            raise ExpressionError("an exponent has no unit", tree.offset)
        unit = parse_unit(left_type.unit)
        if not any(unit.dimension):
            left = self._in_unit(left, left_type, ValueType("quantity", "1"), tree.offset)
            right = self._in_unit(right, right_type, ValueType("quantity", "1"), tree.offset)
            return Arithmetic("^", left, right, tree.offset), ValueType("quantity", "1")
        if not isinstance(right, Literal) or not isinstance(right.value, float) or right.value % 1:
            raise ExpressionError("a quantity with a unit takes a whole number as exponent", tree.offset)
        return Arithmetic("^", left, right, tree.offset), ValueType("quantity", power(unit, int(right.value)).code)

    def _check_scale(self, tree: Scale) -> Checked:
        raise ExpressionError("a condition is checked once", _offset(tree.operand))

    def _check_extreme(self, tree: Extreme) -> Checked:
        first, first_type = self._quantity(tree.operands[0], tree.offset)
        rest = [
            self._in_unit(*self._quantity(operand, tree.offset), first_type, tree.offset)
            for operand in tree.operands[1:]
        ]
        return Extreme(tree.largest, (first, *rest), tree.offset), first_type

    def _check_case(self, tree: Case) -> Checked:
        conditions = [self.condition(condition) for condition, _ in tree.branches]
        values = [self._check(value) for _, value in tree.branches]
        values.append(self._check(tree.otherwise))
        joint = self._joint_type([found for _, found in values if found is not None], tree)
        if joint is not None and joint.kind == "quantity":
            values = [(self._in_unit(v, t, joint, _offset(v)) if t else v, joint) for v, t in values]
        *chosen, otherwise = (value for value, _ in values)
        return Case(tuple(zip(conditions, chosen, strict=True)), otherwise), joint

    def _joint_type(self, found: list[ValueType], tree: Case) -> ValueType | None:
        if len({each.kind for each in found}) > 1:
            raise ExpressionError("the branches of a case give different types", _offset(tree))
        if found and found[0].kind == "text":
            return ValueType("text", values=tuple(dict.fromkeys(v for each in found for v in each.values)))
        return found[0] if found else None

    def _check_rangeposition(self, tree: RangePosition) -> Checked:
        self._quantity(tree.operand, tree.operand.offset)
        return tree, BOOLEAN

    def _quantity(self, tree: Expression, offset: int) -> tuple[Expression, ValueType]:
        checked, found = self._check(tree)
        if found is None or found.kind != "quantity":
            raise ExpressionError(f"a quantity is needed here, not a {found.kind if found else 'null'}", offset)
        return checked, found

    def _in_unit(self, tree: Expression, found: ValueType, wanted: ValueType, offset: int) -> Expression:
        if found.unit == wanted.unit:
            return tree
        analyte = self._analytes.get(wanted.analyte or found.analyte)
        try:
            factor, shift = conversion(
                found.unit,
                wanted.unit,
                molar_mass_g_per_mol=analyte.molar_mass if analyte else None,
                valence=analyte.valence if analyte else None,
            )
        except UnitError as error:
            raise ExpressionError(str(error), offset) from None
        if isinstance(tree, Literal) and isinstance(tree.value, float):
            return Literal(tree.value * factor + shift, wanted.unit, tree.offset)
        return tree if (factor, shift) == (1.0, 0.0) else Scale(tree, factor, shift)


def _offset(tree: Expression) -> int:
    """The place of an expression: its own, else that of its first part that has one."""
    own = getattr(tree, "offset", None)
    if own is not None:
        return int(own)
    return next((_offset(child) for child in children(tree)), 0)
