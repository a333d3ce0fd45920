"""The analyst's process as the server sees it: started when needed, asked, and started anew when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pickle
import sys

from headlint.integrations.language_server.framing import LENGTH, framed
from headlint.integrations.language_server.requests import Answer, Failed, Request

LONGEST = 60.0
"""Seconds after which an analysis is given up, and the process with it."""

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from headlint.integrations.language_server.analyst import main; main()"
)
"""Run without the folder that the server was started in on the path: a project's own ``types.py`` must not be imported."""


class AnalystProcess:
    """Takes one request at a time."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def ask(self, request: Request) -> Answer:
        """The answer to a request. Whoever stops waiting for it leaves the process in order all the same."""
        return await asyncio.shield(asyncio.ensure_future(self._exchange(request)))

    async def start(self) -> None:
        """Have the process ready before anything is asked."""
        async with self._turn:
            await self._running()

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _exchange(self, request: Request) -> Answer:
        async with self._turn:
            try:
                process = await self._running()
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(framed(request))
                await process.stdin.drain()
                answer: Answer = await asyncio.wait_for(_receive(process.stdout), LONGEST)
                return answer
            except asyncio.TimeoutError:
                await self.close()
                return Failed(f"the analysis took more than {LONGEST:.0f} seconds and was given up")
            except (OSError, asyncio.IncompleteReadError):
                await self.close()
                return Failed("the analysis ended unexpectedly; please report it")

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-c",
                _START,
                json.dumps(sys.path),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        return self._process


async def _receive(stream: asyncio.StreamReader) -> Answer:
    (length,) = LENGTH.unpack(await stream.readexactly(LENGTH.size))
    answer: Answer = pickle.loads(await stream.readexactly(length))
    return answer
