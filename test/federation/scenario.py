"""What a scenario is: a coroutine function with a name, and the pairs of servers that it is about."""

import asyncio
import dataclasses
import time
import traceback
from typing import Callable

from people import People

# Pairs (here, there): the users of "here" begin, so its streams are the first to be made.
XYLEM = (("a", "b"), ("a", "prosody"), ("prosody", "a"), ("a", "ejabberd"), ("ejabberd", "a"))
PEERS = (("prosody", "ejabberd"), ("ejabberd", "prosody"))  # what they make of it among themselves
ALL = XYLEM + PEERS

LIMIT = 180  # seconds for one scenario: only one that hangs takes as long, also on a busy machine


@dataclasses.dataclass
class Scenario:
    name: str
    run: Callable
    here: str
    there: str
    alone: bool  # it disturbs servers, so nothing else may run meanwhile
    limit: float
    needs: tuple  # other servers that must run

    def __str__(self):
        return f"{self.name}/{self.here}-{self.there}"


@dataclasses.dataclass
class Result:
    scenario: Scenario
    seconds: float
    failure: str  # "" when it passed
    note: str


registered = []


def scenario(pairs=ALL, alone=False, limit=LIMIT, needs=()):
    """Registers a coroutine function f(world, people, here, there) for each pair; what it returns is noted."""
    def register(f):
        for here, there in pairs:
            registered.append(Scenario(f.__name__.replace("_", "-"), f, here, there, alone, limit, needs))
        return f
    return register


async def perform(world, s):
    """Runs one scenario."""
    people, begin = People(world), time.monotonic()
    failure, note = "", None
    try:
        note = await asyncio.wait_for(s.run(world, people, world.servers[s.here], world.servers[s.there]), s.limit)
    except asyncio.TimeoutError as e:
        failure = f"timed out {where(e)}"
    except Exception as e:  # a fault of the scenario is a failure, too
        failure = f"{type(e).__name__}: {e} {where(e)}"
    finally:
        await people.leave()
    return Result(s, time.monotonic() - begin, failure, note or "")


def where(e):
    """The lines of scenarios in a traceback, innermost first."""
    frames = [f for f in traceback.extract_tb(e.__traceback__) if "/test/federation/" in f.filename]
    return "(" + " < ".join(f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in reversed(frames[1:])) + ")"
