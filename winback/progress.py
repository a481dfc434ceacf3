"""How far long work has come: a bar on a terminal, nothing in a pipe. Always on standard error."""

import shutil
import time
from types import TracebackType
from typing import Protocol, Self


class Stream(Protocol):
    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...
    def isatty(self) -> bool: ...


class Progress:
    """A counter that draws itself at most ten times a second; ``total`` 0 means that the end is not known."""

    def __init__(self, stream: Stream | None, label: str, total: int = 0) -> None:
        self.stream = stream if stream is not None and stream.isatty() else None
        self.label = label
        self.total = total
        self.done = 0
        self._drawn_at = 0.0

    def advance(self, amount: int = 1) -> None:
        self.move_to(self.done + amount)

    def move_to(self, done: int) -> None:
        self.done = done
        moment = time.monotonic()
        if self.stream is not None and moment - self._drawn_at >= 0.1:
            self._drawn_at = moment
            self._draw()

    def _draw(self) -> None:
        if self.stream is None:
            return
        width = shutil.get_terminal_size().columns
        if self.total:
            share = min(self.done / self.total, 1.0)
            bar = ("█" * round(share * 24)).ljust(24, "░")
            line = f"{self.label} {bar} {share:4.0%} {self.done:,}/{self.total:,}"
        else:
            line = f"{self.label} {self.done:,}"
        self.stream.write("\r\x1b[K" + line[: width - 1])
        self.stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.stream is not None:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
