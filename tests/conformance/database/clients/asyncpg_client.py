# SPDX-License-Identifier: Apache-2.0
# What an application with asyncpg does, a driver of its own (not libpq) that speaks the binary protocol only.
import asyncio
import datetime
import decimal
import sys
import uuid

import asyncpg


async def main(port):
    connection = await asyncpg.connect(host="127.0.0.1", port=port, user="tester", password="secret", database="trial")
    await connection.execute(
        "create table thing (id int primary key, n numeric, at timestamptz, d date, t time, i interval, u uuid, b bytea, "
        "f float8, ok bool, s text, j jsonb)")
    row = (1, decimal.Decimal("-1234.5600"), datetime.datetime(2026, 1, 2, 3, 4, 5, 678, datetime.timezone.utc),
           datetime.date(2026, 2, 28), datetime.time(23, 59, 59, 5), datetime.timedelta(days=1, seconds=2),
           uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), b"\x00\xff", 0.1, True, "ä", '{"b": 1, "a": [1.50]}')
    print(await connection.execute("insert into thing values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)", *row))
    print(dict(await connection.fetchrow("select * from thing where id = $1", 1)))
    print(await connection.fetchval("select $1::int + 1", 41))
    print(await connection.fetchval("select count(*) from thing where at < $1", datetime.datetime.now(datetime.timezone.utc)))
    async with connection.transaction():
        await connection.executemany("insert into thing (id, s) values ($1, $2)", [(i, f"s{i}") for i in range(2, 200)])
        total = 0
        async for record in connection.cursor("select id from thing order by id", prefetch=20):
            total += record["id"]
        print("cursor", total)
    try:
        async with connection.transaction():
            await connection.execute("insert into thing (id) values (500)")
            await connection.execute("insert into thing (id) values (1)")
    except asyncpg.UniqueViolationError as error:
        print(error.sqlstate, error.message)
    print(await connection.fetchval("select count(*) from thing where id = 500"))
    for wrong in ("select nope from thing", "select 1/0", "selec"):
        try:
            await connection.fetch(wrong)
        except asyncpg.PostgresError as error:
            print(error.sqlstate, type(error).__name__)
    # Types whose codecs the driver makes from what the catalogs say.
    print(await connection.fetch("select id from thing where id = any($1) order by id", [3, 1, 700]))
    print(await connection.fetch("select id from thing where s = any($1::text[]) order by id", ["s5", "s7", None]))
    print(await connection.fetchval("select $1::int8[] || 4", [1, None, 3]))
    print(await connection.fetchval("select array_agg(d) from thing where id < 3"))
    await connection.execute("create table list (id int, ns int[], ts text[], us uuid[], ps numeric[], ats timestamptz[], oks bool[])")
    await connection.execute("insert into list values ($1, $2, $3, $4, $5, $6, $7)", 1, [1, 2, None], ["a", "b c", '"', ""],
                             [row[6]], [decimal.Decimal("1.50")], [row[2]], [True, False])
    print(dict(await connection.fetchrow("select * from list")))
    print(await connection.fetchval("select ns from list where ns @> $1", [2]))
    async with connection.transaction():
        await connection.execute("declare c scroll cursor for select id, d from thing where id < 5 order by id")
        print(await connection.fetch("fetch 2 from c"), await connection.fetch("fetch last from c"))
        print(await connection.execute("move backward 2 from c"), await connection.execute("close c"))
    await connection.execute("prepare named(int) as select id, s from thing where id = $1")
    print(await connection.fetch("execute named(3)"))
    await connection.execute("create sequence counter")
    print(await connection.fetchval("select nextval('counter')"), await connection.fetchval("select currval('counter')"))
    heard = asyncio.Queue()

    def hear(*notification):
        heard.put_nowait(notification[2:])

    await connection.add_listener("news", hear)
    async with connection.transaction():
        await connection.execute("notify news, 'hello'")
        await connection.fetch("select pg_notify('news', $1)", "again")
    print(await asyncio.wait_for(heard.get(), 10), await asyncio.wait_for(heard.get(), 10))
    await connection.remove_listener("news", hear)
    await connection.execute("notify news, 'nobody'")
    print(heard.empty())
    await connection.reset()
    await connection.close()
    pool = await asyncpg.create_pool(host="127.0.0.1", port=port, user="tester", password="secret", database="trial",
                                     min_size=2, max_size=8)
    await asyncio.gather(*(pool.execute("update thing set s = s || '!' where id = $1", i % 10 + 1) for i in range(100)))
    print(await pool.fetchval("select sum(length(s)) from thing where id <= 10"))
    await pool.close()


asyncio.run(main(int(sys.argv[1])))
