"""Nobody gets more than a share of the threads while a request is still being sent."""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection

Waiter = TypeVar("Waiter")


class Shares(Generic[Waiter]):
    """Who may go now and who waits, by address, first come first served. Safe between threads.

    Args:
        each: how many of one address may go at once.
        free: addresses without a limit.
    """

    def __init__(self, each: int, free: Collection[str] = ()) -> None:
        self._each, self._free = each, free
        self._lock = threading.Lock()
        self._going: Counter[str] = Counter()
        self._waiting: dict[str, deque[Waiter]] = {}

    def ask(self, address: str, waiter: Waiter) -> bool:
        """Whether it may go now; if not, `done` returns it when it is its turn."""
        with self._lock:
            if address not in self._free and self._going[address] >= self._each:
                self._waiting.setdefault(address, deque()).append(waiter)
                return False
            self._going[address] += 1
            return True

    def done(self, address: str) -> Waiter | None:
        """Give a place back; return who has it now, if somebody of this address waits."""
        with self._lock:
            waiting = self._waiting.get(address)
            if waiting:
                following = waiting.popleft()
                if not waiting:
                    del self._waiting[address]
                return following
            self._going[address] -= 1
            if self._going[address] <= 0:
                del self._going[address]
            return None

    def drain(self) -> list[Waiter]:
        """Return all who wait, and forget them."""
        with self._lock:
            left = [waiter for waiting in self._waiting.values() for waiter in waiting]
            self._waiting.clear()
            return left
