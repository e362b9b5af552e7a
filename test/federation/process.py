"""Processes that this one has started, and ends by their ids."""

import asyncio
import os
import signal

from network import die_with_parent

STOP = 60  # seconds that a server has to end politely


class Process:
    """A command on a host of the network, its output in a file."""

    def __init__(self, network, host, words, log, env=None, cwd=None):
        self.network, self.host, self.words, self.log, self.env, self.cwd = network, host, words, log, env, cwd
        self.running = None

    async def start(self):
        with open(self.log, "ab") as out:
            self.running = await asyncio.create_subprocess_exec(
                *self.network.wrap(self.host, self.words), stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out,
                env={**os.environ, **(self.env or {})}, cwd=self.cwd, start_new_session=True, preexec_fn=die_with_parent)

    @property
    def pid(self):
        return self.running.pid

    def alive(self):
        return self.running is not None and self.running.returncode is None

    async def end(self, how=signal.SIGTERM):
        """Returns its exit status."""
        if not self.alive():
            return self.running.returncode if self.running else None
        self.running.send_signal(how)
        try:
            await asyncio.wait_for(self.running.wait(), STOP)
        except asyncio.TimeoutError:
            self.running.kill()
            await self.running.wait()
        return self.running.returncode


async def eventually(condition, what, seconds=60, pause=0.05):
    """Waits until condition, a function or coroutine function, gives something true, and returns that."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        got = condition()
        if asyncio.iscoroutine(got):
            got = await got
        if got:
            return got
        if loop.time() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        await asyncio.sleep(pause)


async def listens(address, port):
    try:
        _, writer = await asyncio.open_connection(address, port)
    except OSError:
        return False
    writer.close()
    return True


def resident(pid):
    """Bytes of memory of a process."""
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmRSS"))
