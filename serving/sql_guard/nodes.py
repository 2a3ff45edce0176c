"""The classes of Spark's trees that a statement may be made of; any other is refused.

Before a class is entered: does it run or reach anything besides rows (files, programs, classes,
the session), and is everything it holds below its `tree.Node`?
"""

from __future__ import annotations

import re


def _in(package: str, names: str) -> frozenset[str]:
    return frozenset(f"{package}.{name}" for name in names.split())


# A query may be made of these; a command, a script or a write is another class at the top.
_PLANS = _in(
    "plans.logical",
    """
    Aggregate Distinct Except Filter Generate GlobalLimit Intersect Join LateralJoin LocalLimit
    LocalRelation Offset OneRowRelation Pivot Project Sample Sort SubqueryAlias Union Unpivot
    """,
)
PARSED_PLANS = (
    _PLANS
    | _in("expressions", "PipeOperator")
    | _in("plans.logical", "UnresolvedWith WithWindowDefinition UnresolvedOrderByAll")
    | _in(
        "analysis",
        """
        UnresolvedHaving UnresolvedInlineTable UnresolvedQualify UnresolvedRelation
        UnresolvedSubqueryColumnAliases UnresolvedTableValuedFunction
        UnresolvedTVFAliases
        """,
    )
)
ANALYSED_PLANS = (
    _PLANS
    | _in("expressions", "PipeOperator")
    | _in("plans.logical", "CTERelationDef CTERelationRef Expand Range View Window WithCTE")
)

# What is written without the name of a function: operators, literals, names, windows, subqueries.
_SYNTAX = _in(
    "expressions",
    """
    Add Alias And AttributeReference Between BitwiseAnd BitwiseNot BitwiseOr BitwiseXor CaseWhen
    Cast Collate Concat Contains CreateNamedStruct CurrentRow$ Divide EqualNullSafe EqualTo Exists
    Extract GreaterThan GreaterThanOrEqual ILike In InSubquery IntegralDivide IsNotNull IsNull
    LambdaFunction LateralSubquery LessThan LessThanOrEqual Like LikeAll LikeAny ListQuery Literal
    Multiply NamedArgumentExpression Not NotLikeAll NotLikeAny Or Overlay RLike Remainder
    ScalarSubquery ShiftLeft ShiftRight ShiftRightUnsigned SortOrder SpecifiedWindowFrame
    StringLocate StringTrim StringTrimBoth StringTrimLeft StringTrimRight Substring Subtract
    TimestampAdd TimestampDiff TryCast UnaryMinus
    UnaryPositive UnboundedFollowing$ UnboundedPreceding$ UnspecifiedFrame$ WindowExpression
    WindowSpecDefinition Coalesce IsTrue IsNotTrue Year
    """,
) | _in("expressions.aggregate", "AggregateExpression AnyValue First Last PercentileCont")
PARSED_EXPRESSIONS = (
    _SYNTAX
    | _in(
        "expressions",
        """
        Cube GroupingSets PipeExpression Rollup UnresolvedCollation
        UnresolvedNamedLambdaVariable UnresolvedWindowExpression
        CurrentDate CurrentTimestamp CurrentTime LocalTimestamp SemiStructuredExtract
        MultiAlias
        """,
    )
    | _in(
        "analysis",
        """
        MultiAlias UnresolvedAlias UnresolvedAttribute UnresolvedExtractValue UnresolvedFunction
        UnresolvedGenerator UnresolvedOrdinal UnresolvedStar UnresolvedStarExceptOrReplace
        """,
    )
)
# What the analyser makes of syntax and of functions, besides the functions' own classes.
ANALYSED_EXPRESSIONS = (
    _SYNTAX
    | _in(
        "expressions",
        """
        ArrayTransform BinaryPad BinaryPredicate Ceil CommonExpressionDef CommonExpressionRef
        DateAddInterval DateAddYMInterval DatetimeSub DivideDTInterval DivideInterval
        DivideYMInterval EndsWith Explode ExtractANSIIntervalDays ExtractANSIIntervalHours
        ExtractANSIIntervalMinutes ExtractANSIIntervalMonths ExtractANSIIntervalSeconds
        ExtractANSIIntervalYears Floor GetArrayItem GetArrayStructFields GetMapValue
        GetStructField GroupingSets Hour Inline KnownNullable KnownNotNull
        LateralColumnAliasReference MakeTimestamp MakeTimestampFromDateTime MakeTimestampNTZ Mask
        Minute MultiplyDTInterval MultiplyInterval MultiplyYMInterval NamedLambdaVariable
        OuterReference PosExplode PreciseTimestampConversion ResolvedCollation RoundCeil RoundFloor
        Second SecondWithFraction StartsWith StringDecode StringLPad StringRPad SubtractDates
        SubtractTimestamps TimeBucket TimestampAddInterval TimestampAddYMInterval ToCharacter
        TryEval TryMakeTimestamp TryMakeTimestampFromDateTime TupleUnionDouble TupleUnionInteger
        TupleUnionThetaDouble TupleUnionThetaInteger TypedNullLiteral With
        """,
    )
    | _in(
        "expressions.aggregate",
        """
        CountMinSketchAgg MaxBy MaxMinByK MinBy Mode PercentileDisc PivotFirst TupleSketchAggDouble
        TupleSketchAggInteger TupleUnionAggDouble TupleUnionAggInteger
        """,
    )
    | _in("expressions.variant", "ParseJson VariantExplode VariantGet")
)

# What people call the classes that are refused most.
_WORDS = {
    "ScriptTransformation": "TRANSFORM ... USING",
    "RelationTimeTravel": "time travel",
    "UnresolvedHint": "a hint",
    "RepartitionByExpression": "DISTRIBUTE BY, CLUSTER BY",
    "CompoundBody": "a script (BEGIN ... END)",
    "UnresolvedExecuteImmediate": "EXECUTE IMMEDIATE",
    "NamedParameter": "a parameter marker",
    "PosParameter": "a parameter marker",
    "ExpressionWithUnresolvedIdentifier": "IDENTIFIER()",
    "PlanWithUnresolvedIdentifier": "IDENTIFIER()",
    "NamedStreamingRelation": "STREAM",
}


def name_construct(class_name: str) -> str:
    """What a refused class is called in the answer: words, never the class."""
    simple = re.split(r"[.$]", class_name.rstrip("$"))[-1]
    if simple in _WORDS:
        return _WORDS[simple]
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+", simple)
    silent = ("Unresolved", "Logical", "Command", "Statement", "Plan")
    return " ".join(word.lower() for word in words if word not in silent) or "a command"
