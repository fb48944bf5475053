# SPDX-License-Identifier: Apache-2.0
# random_statements.py on two servers: usage: compare_servers.py SEED COUNT OURS_PORT POSTGRESQL_PORT. Prints each
# statement that they answer differently, and a summary; ends with 1 where there is one. Every statement has a
# transaction of its own that is rolled back.
import asyncio
import sys

import asyncpg

from random_statements import SCHEMA, Statements

MAX_REFUSED_SHARE = 0.02  # of what our service says that it can't
# An overflow or a division by zero in what a planner computes ahead, or leaves out, is found by one server alone.
DATA_EXCEPTION = "22"
MAX_UNLIKE_ERROR_SHARE = 0.01


async def answer(connection, text):
    await connection.execute("begin")
    try:
        rows = await connection.fetch(text)
        return "rows", [tuple(row.values()) for row in rows]
    except asyncpg.PostgresError as error:
        return error.sqlstate, error.args[0]
    finally:
        await connection.execute("rollback")


# Equal numbers are alike: which of 1.5 and 1.50 a UNION keeps is the server's choice.
def comparable(rows, ordered):
    def shown(value):
        if isinstance(value, float):
            return f"{value + 0.0:.9g}".replace("-0", "0") if value == 0 else f"{value:.9g}"
        return str(value.normalize() + 0) if type(value).__name__ == "Decimal" and value.is_finite() else str(value)
    shown_rows = [tuple(shown(value) for value in row) for row in rows]
    return shown_rows if ordered else sorted(shown_rows)


async def main(seed, count, ports):
    both = []
    for port in ports:
        both.append(await asyncpg.connect(host="127.0.0.1", port=port, user="tester", password="secret", database="trial"))
        await both[-1].execute(SCHEMA)
    statements = Statements(seed)
    equal = errors = refused = unlike_errors = different = 0
    for _ in range(count):
        text, ordered = statements.next()
        ours, theirs = [await answer(connection, text) for connection in both]
        if ours[0] == theirs[0] != "rows":
            errors += 1
        elif ours[0] == "rows" == theirs[0] and comparable(ours[1], ordered) == comparable(theirs[1], ordered):
            equal += 1
        elif ours[0] == "0A000":
            refused += 1
        elif ours[0].startswith(DATA_EXCEPTION) or theirs[0].startswith(DATA_EXCEPTION):
            unlike_errors += 1
        else:
            different += 1
            print(f"seed {seed}: {text}\n  ours:       {ours[0]} {str(ours[1])[:500]}\n  PostgreSQL: {theirs[0]} {str(theirs[1])[:500]}")
    print(f"{count} statements from seed {seed}: {equal} with the same rows, {errors} with the same "
          f"error, {refused} refused, {unlike_errors} with a data exception of one, {different} answered differently")
    if (different > 0 or equal < count / 2 or refused > count * MAX_REFUSED_SHARE
            or unlike_errors > count * MAX_UNLIKE_ERROR_SHARE):
        sys.exit(1)

asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), [int(port) for port in sys.argv[3:5]]))
