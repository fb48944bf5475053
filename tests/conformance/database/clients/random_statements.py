# SPDX-License-Identifier: Apache-2.0
# Statements of any shape over two small tables, the same ones for the same seed. Each type has templates; a name in
# braces stands for an expression of that type, and "one_T" and "many_T" for sub-selects of one row or several.
# What two right servers may answer differently is left out: the order of equal rows, errors that depend on which
# expression is evaluated first, and which of two equal values stands for both.
import random
import re

SCHEMA = """
create table t (id int primary key, name text, n numeric(8, 2), ok boolean, d date, at timestamp, ns int[], k int);
insert into t values
    (1, 'one', 1.5, true, '2026-01-01', '2026-01-01 10:00:00', '{1,2}', 7),
    (2, 'Two', -2.25, false, '2026-02-28', '2026-03-01 00:00:01', '{}', 7),
    (3, null, null, null, null, null, null, null),
    (4, '', 0, true, '1999-12-31', '2000-01-01 00:00:00', '{3,null}', -1),
    (5, 'fünf', 100.00, false, '2026-01-01', '2026-01-01 10:00:00.5', '{5}', 0);
create table u (t_id int references t (id), f float8, s text, b boolean, m int, day date);
insert into u values
    (1, 0.5, 'x', true, 1000, '2026-01-02'), (1, -1.5, 'one', false, -5, '2026-01-01'), (2, null, 'y', null, null, null),
    (null, 2.5, null, true, 0, '2026-05-05'), (4, 1e10, 'Z', false, 1, '1999-12-31');
"""
COLUMNS = {
    "t": {"id": "int", "name": "text", "n": "num", "ok": "bool", "d": "date", "at": "moment", "ns": "ints", "k": "int"},
    "u": {"t_id": "int", "f": "real", "s": "text", "b": "bool", "m": "int", "day": "date"},
}
SCALARS = ["int", "num", "real", "text", "bool", "date", "moment"]
LITERALS = {
    "int": ["0", "1", "2", "-1", "3", "7", "100", "null::int"],
    "num": ["0.0", "1.5", "2.25", "-3.7", "10::numeric", "null::numeric"],
    "real": ["0.5::float8", "2::float8", "-1.25::float8", "null::float8"],
    "text": ["'x'::text", "'one'::text", "''::text", "'Ab c'::text", "'12'::text", "'1.5'::text", "null::text"],
    "bool": ["true", "false", "null::boolean"],
    "date": ["date '2026-01-01'", "date '2024-02-29'", "null::date"],
    "moment": ["timestamp '2026-01-01 10:00:00'", "timestamp '1999-12-31 23:59:59.999'"],
    "ints": ["array[1,2]", "'{}'::int[]", "array[3,null,1]", "null::int[]"],
    "span": ["interval '1 day'", "interval '2 hours 3 minutes'", "interval '1 month'"],
}
TEMPLATES = {
    "int": [
        "({int} + {int})", "({int} - {int})", "({int} * {int})", "({int} / nullif({int}, 0))", "({int} % nullif({int}, 0))",
        "({int} & {int})", "({int} # {int})", "(-{int})", "abs({int})", "mod({int}, 7)", "({bool})::int", "({num})::int",
        "length({text})", "octet_length({text})", "ascii({text})", "strpos({text}, {text})", "position({text} in {text})",
        "coalesce({int}, {int})", "nullif({int}, {int})", "greatest({int}, {int})", "least({int}, {int}, {int})",
        "case when {bool} then {int} else {int} end", "case {int} when {int} then {int} end", "({date} - {date})",
        "({ints})[{int}]", "array_length({ints}, 1)", "cardinality({ints})", "array_position({ints}, {int})", "({one_int})",
    ],
    "num": [
        "({num} + {num})", "({num} - {num})", "({int} * {num})", "({num} / 4)", "mod({num}, 3)", "round({num}, 1)",
        "floor({num})", "ceil({num})", "abs({num})", "trunc({num})", "({int})::numeric", "({num})::numeric(9,1)",
        "coalesce({num}, {int})", "extract(year from {date})", "extract(week from {moment})", "extract(epoch from {moment})",
        "extract(dow from {date})", "extract(hour from {moment})", "extract(doy from {date})", "({one_num})",
    ],
    "real": ["({real} + {real})", "({real} * {real})", "({int} + {real})", "({num})::float8", "sqrt(abs({real}))",
             "coalesce({real}, {real})", "(-{real})"],
    "text": [
        "({text} || {text})", "({text} || {int})", "({text} || {bool})", "lower({text})", "upper({text})", "trim({text})",
        "initcap({text})", "reverse({text})", "substr({text}, 2, 2)", "substr({text}, -1, 3)", "left({text}, -1)",
        "lpad({text}, 4, '*')", "repeat({text}, 2)", "replace({text}, {text}, {text})", "translate({text}, 'one', 'ab')",
        "split_part({text}, 'n', 1)", "concat({bool}, {num})", "concat_ws('-', {text}, {int})", "quote_literal({text})",
        "btrim({text}, 'x')", "md5({text})", "array_to_string({ints}, ',')", "({text})::varchar(2)", "({int})::text",
        "({num})::text", "({bool})::text", "({date})::text", "({moment})::text", "({real})::text", "({ints})::text",
        "coalesce({text}, {text})", "nullif({text}, {text})", "greatest({text}, {text})", "case when {bool} then {text} end",
        "({one_text})",
    ],
    "bool": [f"({{{type}}} {operator} {{{type}}})" for type in SCALARS for operator in ("=", "<", ">=", "is distinct from")] +
            [f"({{{type}}} is not null)" for type in SCALARS] +
            [f"({{{type}}} in ({{{type}}}, {{{type}}}))" for type in SCALARS] +
            [f"({{{type}}} not between {{{type}}} and {{{type}}})" for type in SCALARS] +
            ["({bool} and {bool})", "({bool} or {bool})", "(not {bool})", "({bool} is true)", "({bool} is not false)",
             "({bool} is unknown)", "({text} like '%n%')", "({text} not ilike 'o_e')", "({text} ~ '^o')", "exists ({many_int})",
             "starts_with({text}, 'o')", "({int} in ({many_int}))", "({int} not in ({many_int}))", "({int} = any ({ints}))",
             "({int} >= all ({many_int}))", "({int} <> all ({ints}))", "(({int}, {text}) = ({int}, {text}))",
             "(({int}, {text}) < ({int}, {text}))", "(({int}, {date}) >= ({int}, {date}))", "({int} < {num})", "({real} >= {int})",
             "({date} < {moment})", "({ints} @> {ints})", "({ints} && {ints})", "({ints} = {ints})", "({ints} < {ints})"],
    "date": ["({date} + {int})", "({date} - 30)", "({moment})::date", "coalesce({date}, {date})", "greatest({date}, {date})",
             "date_trunc('month', {moment})::date"],
    "moment": ["({moment} + {span})", "({moment} - {span})", "({date} + {span})", "date_trunc('hour', {moment})",
               "date_trunc('week', {moment})", "coalesce({moment}, {moment})", "({date})::timestamp", "least({moment}, {moment})"],
    "ints": ["({ints} || {int})", "({int} || {ints})", "({ints} || {ints})", "array_append({ints}, {int})", "array[{int}, {int}]",
             "array_remove({ints}, {int})", "({ints})[1:2]", "coalesce({ints}, {ints})", "array({many_int} order by 1 desc)"],
}
AGGREGATES = {
    "int": ["count(*)::int", "count({int})::int", "count(distinct {text})::int", "max({int})", "sum({int})::int",
            "(count(*) filter (where {bool}))::int"],
    "num": ["sum({num})", "min({num})", "round(avg({int}), 4)", "max({num})"],
    "text": ["max({text})", "min({text})"],
    "bool": ["bool_and({bool})", "bool_or({bool})", "(count(*) > 1)"],
    "date": ["max({date})", "min({date})"],
}


class Statements:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.ranges = 0

    def pick(self, *choices):
        return self.random.choice(choices)

    # scope: pairs of a range's name and its columns.
    def expression(self, type, scope, depth):
        columns = [f"{name}.{column}" for name, types in scope for column, its in types.items() if its == type]
        if depth <= 0 or type not in TEMPLATES or self.random.random() < 0.15:
            return self.random.choice(columns if columns and self.random.random() < 0.8 else LITERALS[type])
        return self.filled(self.random.choice(TEMPLATES[type]), scope, depth - 1)

    def filled(self, template, scope, depth):
        def value(match):
            what = match.group(1)
            if what.startswith("one_"):
                return self.scalar(what[4:], scope, depth)
            if what.startswith("many_"):
                source, ranges = self.source(scope, depth)
                return (f"select {self.expression(what[5:], ranges + scope, depth - 1)} from {source} "
                        f"where {self.expression('bool', ranges + scope, depth - 1)}")
            return self.expression(what, scope, depth)
        return re.sub(r"\{(\w+)\}", value, template)

    def scalar(self, type, scope, depth):
        source, ranges = self.source(scope, depth)
        aggregate = self.filled(self.random.choice(AGGREGATES[type]), ranges, depth - 1)
        return f"select {aggregate} from {source} where {self.expression('bool', ranges + scope, depth - 1)}"

    def source(self, outer, depth):
        self.ranges += 1
        name = f"x{self.ranges}"
        if depth > 1 and self.random.random() < 0.2:
            type = self.pick("int", "text", "num")
            return f"({self.query([type, 'int'], [], depth - 2)}) {name}(p, q)", [(name, {"p": type, "q": "int"})]
        if self.random.random() < 0.15:
            return self.pick((f"generate_series(1, 3) {name}(g)", [(name, {"g": "int"})]),
                             (f"(values (1, 'v'), (2, null)) {name}(p, q)", [(name, {"p": "int", "q": "text"})]))
        table = self.pick("t", "u")
        return f"{table} {name}", [(name, COLUMNS[table])]

    def query(self, types, outer, depth):
        source, scope = self.source(outer, depth)
        if self.random.random() < 0.35:
            other, more = self.source([], depth)
            on = f"{self.expression('int', scope, 0)} = {self.expression('int', more, 1)}"
            source += self.pick(f" cross join {other}", f" join {other} on {on}", f" left join {other} on {on}")
            scope = scope + more
        where = f" where {self.expression('bool', scope + outer, depth)}" if self.random.random() < 0.5 else ""
        if all(type in AGGREGATES for type in types) and self.random.random() < 0.3:
            name, columns = self.random.choice(scope)
            key = f"{name}.{self.random.choice(list(columns))}"
            values = ", ".join(self.filled(self.random.choice(AGGREGATES[type]), scope, depth - 1) for type in types)
            text = f"select {values} from {source}{where}" + self.pick("", f" group by {key}",
                                                                      f" group by {key} having count(*) > 1")
        else:
            text = f"select {self.pick('', '', 'distinct ')}" + ", ".join(
                self.expression(type, scope + outer, depth) for type in types) + f" from {source}{where}"
        if depth > 0 and self.random.random() < 0.15:
            text += f" {self.pick('union', 'union all', 'intersect', 'except')} {self.query(types, outer, depth - 1)}"
        return text

    # The statement, and whether its rows have an order.
    def next(self):
        self.ranges = 0
        depth = self.pick(1, 2, 2, 3)
        kind = self.random.random()
        ours = [("t", COLUMNS["t"])]
        column = self.pick("name", "n", "ok", "d", "at", "ns", "k")
        set_column = f"{column} = {self.expression(COLUMNS['t'][column], ours, depth)}"
        if kind < 0.08:
            return (f"update t set {set_column} where {self.expression('bool', ours, depth)} "
                    f"returning id, {column}, {self.expression('text', ours, 1)}"), False
        theirs = [("u", COLUMNS["u"])]
        if kind < 0.12:
            return (f"insert into t (id, name, k) select u.m * 10 + row_number() over (order by u.s), "
                    f"{self.expression('text', theirs, depth)}, {self.expression('int', theirs, depth)} from u where u.m > 0 and "
                    f"{self.expression('bool', theirs, depth)} on conflict (id) do nothing returning id, name, k"), False
        if kind < 0.15:
            return f"delete from u where {self.expression('bool', theirs, depth)} returning *", False
        types = [self.random.choice(list(TEMPLATES)) for _ in range(self.pick(1, 1, 2, 3))]
        text = self.query(types, [], depth)
        if self.random.random() < 0.3:
            keys = ", ".join(str(i + 1) + self.pick("", " desc", " nulls first", " desc nulls last") for i in range(len(types)))
            return f"select * from ({text}) as z order by {keys}{self.pick('', ' limit 2', ' limit 3 offset 1')}", True
        return text, False
