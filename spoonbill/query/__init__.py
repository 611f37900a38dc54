"""Search: patterns on keys and strings, conditions on values, and their one meaning on every store.

What matches is decided here, in Python. An engine may use a pattern's facts or a condition's operand to read less; it
may yield more than what matches, and never less.
"""

from spoonbill.query.conditions import (
    Condition,
    Eq,
    Exists,
    Ge,
    Gt,
    IsIn,
    Le,
    Lt,
    Match,
    Ne,
    eq,
    exists,
    ge,
    gt,
    isin,
    le,
    lt,
    ne,
)
from spoonbill.query.dialects import DIALECTS, check_dialect, compile_pattern, glob, like, prefix, regex, server_glob
from spoonbill.query.fields import AllOf, Field, Nested, field
from spoonbill.query.patterns import (
    AnyOf,
    Glob,
    Like,
    Pattern,
    Prefix,
    Regex,
    ServerGlob,
)
from spoonbill.query.plan import Plan, Step
from spoonbill.query.portable import portable_regex
from spoonbill.query.prefixing import prefixed
from spoonbill.query.query import Conditions, Part, Query, compile_conditions, compile_query
from spoonbill.query.values import classify, is_nan

__all__ = [
    "DIALECTS",
    "AllOf",
    "AnyOf",
    "Condition",
    "Conditions",
    "Eq",
    "Exists",
    "Field",
    "Ge",
    "Glob",
    "Gt",
    "IsIn",
    "Le",
    "Like",
    "Lt",
    "Match",
    "Ne",
    "Nested",
    "Part",
    "Pattern",
    "Plan",
    "Prefix",
    "Query",
    "Regex",
    "ServerGlob",
    "Step",
    "check_dialect",
    "classify",
    "compile_conditions",
    "compile_pattern",
    "compile_query",
    "eq",
    "exists",
    "field",
    "ge",
    "glob",
    "gt",
    "is_nan",
    "isin",
    "le",
    "like",
    "lt",
    "ne",
    "portable_regex",
    "prefix",
    "prefixed",
    "regex",
    "server_glob",
]
