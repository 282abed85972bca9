#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What stands behind `shield` in the tests, and who asks it.

usage: backend.py serve NAME PORT             answers `who` with its name and whom it sees; echoes
       backend.py who HOST PORT COUNT [FROM...]
                                              names that COUNT connections meet, as `NAME PEER` lines
       backend.py hold HOST PORT COUNT FILE [FROM...]
                                              holds COUNT connections; each echoes a byte now and then;
                                              a line `SECONDS NAME WHAT` in FILE when one ends; SIGTERM
                                              prints how many live, by name, after one more echo of each

FROM: our addresses, which the connections take in turns.
"""
import asyncio
import collections
import resource
import signal
import socket
import sys
import time


def need_files(n):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    assert hard > n + 50, f"only {hard} files may be open"


# --- the server ---

def serve(name, port):
    need_files(15000)

    async def talk(reader, writer):
        try:
            line = await reader.readline()
            if line.strip() == b"who":
                peer = writer.get_extra_info("peername")[0].removeprefix("::ffff:")
                line = f"{name} {peer}\n".encode()
            writer.write(line)
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def run():
        both = socket.socket(socket.AF_INET6)
        both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        both.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        both.bind(("::", int(port)))
        server = await asyncio.start_server(talk, sock=both, backlog=4096)
        await server.serve_forever()

    asyncio.run(run())


# --- the clients ---

async def meet(host, port, i, ours):
    local = (ours[i % len(ours)], 0) if ours else None
    for tries in range(5):
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port, local_addr=local), 20)
            writer.write(b"who\n")
            name, peer = (await asyncio.wait_for(reader.readline(), 20)).decode().split()
            return reader, writer, name, peer
        except (OSError, ValueError, asyncio.TimeoutError):
            if tries == 4:
                raise
            await asyncio.sleep(0.5)


def who(host, port, count, *ours):
    async def run():
        for i in range(int(count)):
            _, writer, name, peer = await meet(host, int(port), i, ours)
            print(name, peer)
            writer.close()

    asyncio.run(run())


def hold(host, port, count, path, *ours):
    count = int(count)
    need_files(count)
    gate = asyncio.Semaphore(300)
    live, out, stop = collections.Counter(), open(path, "w", buffering=1), asyncio.Event()

    async def echo(reader, writer):
        writer.write(b"x")
        if await asyncio.wait_for(reader.readexactly(1), 20) != b"x":
            raise OSError("another byte")

    async def one(i):
        async with gate:
            try:
                reader, writer, name, _ = await meet(host, int(port), i, ours)
            except (OSError, ValueError, asyncio.TimeoutError) as e:
                print(f"{time.time():.3f} - {type(e).__name__}", file=out)
                return
        live[name] += 1
        if sum(live.values()) == count:
            print(f"{time.time():.3f} - open", file=out)
        try:
            while not stop.is_set():
                pause = asyncio.create_task(stop.wait())
                first = asyncio.create_task(reader.read(1))  # data nobody sent, or the end
                done, _ = await asyncio.wait({pause, first}, timeout=max(1, count / 200),
                                             return_when=asyncio.FIRST_COMPLETED)
                pause.cancel()
                if first in done:
                    raise OSError("end" if first.result() == b"" else "data")
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)
                await echo(reader, writer)
        except (OSError, EOFError, asyncio.TimeoutError) as e:
            live[name] -= 1
            print(f"{time.time():.3f} {name} {type(e).__name__}", file=out)
            writer.transport.abort()

    async def run():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        tasks = [asyncio.create_task(one(i)) for i in range(count)]
        await asyncio.gather(*tasks)
        print(" ".join(f"{n}={live[n]}" for n in sorted(live)))

    asyncio.run(run())


if __name__ == "__main__":
    {"serve": serve, "who": who, "hold": hold}[sys.argv[1]](*sys.argv[2:])
