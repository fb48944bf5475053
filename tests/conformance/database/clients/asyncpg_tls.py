# SPDX-License-Identifier: Apache-2.0
# asyncpg over TLS: port, the server's certificate.
import asyncio
import ssl
import sys

import asyncpg


async def main(port, certificate):
    modes = {"require": "require", "verify-full": ssl.create_default_context(cafile=certificate)}
    for name, mode in modes.items():
        connection = await asyncpg.connect(host="127.0.0.1", port=port, user="tester", password="secret",
                                           database="trial", ssl=mode)
        print(name, await connection.fetchval("select 6 * 7"))
        await connection.close()


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
