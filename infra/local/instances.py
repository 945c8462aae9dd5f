"""A function's execution environments, as Lambda keeps them: each takes one event at a time.

More are started while all are busy, up to a limit; one that fails to answer in time is ended.
Processes and not threads: a handler may keep the current event in a global, as Powertools'
resolver does, and in two threads one caller would be taken for another.
"""

import asyncio
import json
import sys
from contextlib import suppress
from typing import Any, cast

from infra.local.template import FunctionSpec
from infra.local.worker import HEADER, frame, write_spec


class InstanceDied(Exception):
    """An execution environment ended before it answered, or was ended at its timeout."""


class Instance:
    """One process, spoken to by frames."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, spec: FunctionSpec) -> "Instance":
        """Start a process and wait until it has imported its handler."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "infra.local.worker", write_spec(spec)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        instance = cls(process)
        try:
            await instance._receive()
        except BaseException:
            await instance.end()
            raise
        return instance

    async def invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        """What the worker answers to an event; raises `InstanceDied`."""
        sink = cast(asyncio.StreamWriter, self._process.stdin)
        try:
            sink.write(frame(event))
            await sink.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise InstanceDied("it had ended") from error
        return cast(dict[str, Any], await self._receive())

    async def _receive(self) -> Any:
        source = cast(asyncio.StreamReader, self._process.stdout)
        try:
            [length] = HEADER.unpack(await source.readexactly(HEADER.size))
            return json.loads(await source.readexactly(length))
        except asyncio.IncompleteReadError as error:
            raise InstanceDied("it ended before it answered") from error

    async def end(self) -> None:
        """End the process, whatever it is doing."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


class Instances:
    """All environments of one function: `most` at once, started as they are needed."""

    def __init__(self, spec: FunctionSpec, most: int) -> None:
        self.spec = spec
        self._free = asyncio.Semaphore(most)
        self._idle: list[Instance] = []

    async def invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        """The answer of one environment; raises `InstanceDied`. One that gave none is ended."""
        async with self._free:
            instance = self._idle.pop() if self._idle else await self._started()
            try:
                answer = await self._within_timeout(instance, event)
            except BaseException:
                await instance.end()
                raise
            self._idle.append(instance)
            return answer

    async def _within_timeout(self, instance: Instance, event: dict[str, Any]) -> dict[str, Any]:
        try:
            return await asyncio.wait_for(instance.invoke(event), self.spec.timeout)
        except TimeoutError as error:
            raise InstanceDied(f"ended after {self.spec.timeout} s") from error

    async def warm(self) -> None:
        """Have one environment ready; raises `InstanceDied` when its handler can't be imported."""
        self._idle.append(await self._started())

    async def _started(self) -> Instance:
        return await Instance.start(self.spec)

    async def close(self) -> None:
        """End all that are idle."""
        while self._idle:
            await self._idle.pop().end()
