"""Runs the scenarios in the world. Started by the script `run`."""

import argparse
import asyncio
import fnmatch
import logging
import os
import signal
import sys
import time

import failures  # noqa: F401 (registers its scenarios)
import hostile  # noqa: F401
import scenario
import scenarios  # noqa: F401
from network import die_with_parent
from world import World

AT_ONCE = 8  # scenarios that run beside each other
LOG_LINES = 40  # of each server, when a scenario failed


def arguments():
    p = argparse.ArgumentParser(prog="test/federation/run", add_help=False)
    p.add_argument("--folder", required=True)
    p.add_argument("--isolated", action="store_true")
    p.add_argument("--xylem", required=True)
    p.add_argument("--list", action="store_true")
    p.add_argument("--peers", action="store_true")
    p.add_argument("--verbose", action="store_true")
    p.add_argument("patterns", nargs="*")
    return p.parse_args()


def chosen(patterns, peers):
    """Scenarios by name or NAME/HERE-THERE, with * as in file names; without patterns all that are about xylem."""
    def wanted(s):
        if patterns:
            return any(fnmatch.fnmatch(str(s), p) or fnmatch.fnmatch(s.name, p) for p in patterns)
        return peers or (s.here, s.there) not in scenario.PEERS
    return [s for s in scenario.registered if wanted(s)]


class Run:
    def __init__(self, world):
        self.world, self.results = world, []
        self.places = asyncio.Semaphore(AT_ONCE)

    async def all(self, todo):
        longest_first = sorted(todo, key=lambda s: -s.limit)
        await asyncio.gather(*(self.beside(s) for s in longest_first if not s.alone))
        for s in todo:
            if s.alone:
                await self.one(s)

    async def beside(self, s):
        async with self.places:
            await self.one(s)

    async def one(self, s):
        servers = [self.world.servers[n] for n in (s.here, s.there)]
        for server in servers:
            if not server.running():  # one before has failed halfway
                await server.start()
        sizes = [server.log_size() for server in servers]
        r = await scenario.perform(self.world, s)
        self.results.append(r)
        print(f"{'FAIL' if r.failure else 'PASS'} {s} ({r.seconds:.1f} s){': ' + r.failure if r.failure else ''}"
              f"{' # ' + r.note if r.note else ''}", flush=True)
        if r.failure:
            for server, size in zip(servers, sizes):
                print(f"    log of {server}:")
                for line in server.log_tail(size, LOG_LINES):
                    print(f"    | {line[:400]}", flush=True)


async def run(args):
    todo = chosen(args.patterns, args.peers)
    if not args.isolated:
        print("no network namespaces: addresses in 127.0.0.0/8 instead, no IPv6, no cable to pull, and no ejabberd, which asks\n"
              "the operating system for addresses", flush=True)
        todo = [s for s in todo if "ejabberd" not in (s.here, s.there)]
    names = dict.fromkeys(n for s in todo for n in (s.here, s.there, *s.needs))
    begin = time.monotonic()
    async with World(args.folder, args.isolated, args.xylem, names) as world:
        print(f"{', '.join(names)} run after {time.monotonic() - begin:.1f} s"
              + (", each in a network namespace of its own" if args.isolated else ""), flush=True)
        r = Run(world)
        await r.all(todo)
    failed = sum(1 for x in r.results if x.failure)
    print(f"{len(r.results) - failed} passed, {failed} failed, {time.monotonic() - begin:.0f} s", flush=True)
    return 1 if failed or not r.results else 0


async def interruptible(args):
    """Ends the world on SIGINT and SIGTERM, too."""
    task = asyncio.ensure_future(run(args))
    for s in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(s, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        print("interrupted", flush=True)
        return 1


def main():
    args = arguments()
    die_with_parent(signal.SIGTERM)  # the script
    logging.basicConfig(level=logging.DEBUG if args.verbose else logging.CRITICAL)
    if args.list:
        for s in chosen(args.patterns, args.peers):
            print(s)
        return 0
    return asyncio.run(interruptible(args))


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    sys.exit(main())
