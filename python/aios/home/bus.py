"""How messages reach their readers: durable ones from the store, telemetry through memory.

Durable messages are committed with what caused them and read in the order of their `seq`, by any
process on the home; a named subscription keeps its place, and gets each message at least once,
without repeats of an id within the subscription's memory. Telemetry never touches the disk: each
subscription has a bounded queue, and what doesn't fit is counted and dropped.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from aios.errors import AiosError, FailedPreconditionError
from aios.home.messages import Message, from_stored
from aios.home.store import ConflictError, Document, PutDocument, Store

_log = logging.getLogger("aios.workflow")
_REMEMBERED_IDS: Final = 4096
_BATCH: Final = 500

Callback = Callable[[Any], object]


class TelemetryQueue:
    """A bounded queue of one subscription, with its drop counter; any thread may put.

    `put` takes no lock: `deque.append` is atomic. Under many writers the bound can be passed by as
    many messages as there are writers.
    """

    __slots__ = ("_items", "_wake", "capacity", "dropped")

    def __init__(self, capacity: int, wake: threading.Event) -> None:
        self.capacity = capacity
        self.dropped = 0
        self._items: deque[Message] = deque()
        self._wake = wake

    def put(self, message: Message) -> None:
        """Add a message, or count it as dropped."""
        items = self._items
        if len(items) >= self.capacity:
            self.dropped += 1
            return
        items.append(message)
        if not self._wake.is_set():
            self._wake.set()

    def drain(self, limit: int = 10_000) -> list[Message]:
        """Take up to `limit` messages, oldest first."""
        items = self._items
        return [items.popleft() for _ in range(min(limit, len(items)))]


class Subscription:
    """What `subscribe` returns; `close` ends it. `dropped` counts telemetry that didn't fit."""

    def __init__(
        self, types: tuple[type[Message], ...], callback: Callback, name: str, queue: TelemetryQueue
    ) -> None:
        self.types = types
        self.callback = callback
        self.name = name
        self.queue = queue
        self.after = 0
        self.closed = False
        self.errors = 0
        self._seen: OrderedDict[str, None] = OrderedDict()

    def __repr__(self) -> str:
        kinds = ", ".join(kind.__name__ for kind in self.types)
        name = f" {self.name!r}" if self.name else ""
        return f"<Subscription{name} to {kinds}{': closed' if self.closed else ''}>"

    @property
    def dropped(self) -> int:
        """How many telemetry messages were dropped because the queue was full."""
        return self.queue.dropped

    def close(self) -> None:
        """Deliver nothing more."""
        self.closed = True

    def wants(self, message: Message) -> bool:
        """True for messages of the types subscribed to."""
        return isinstance(message, self.types)

    def is_new(self, message: Message) -> bool:
        """True the first time that an id comes by: progress comes by memory and from the store."""
        seen, name = self._seen, message.id
        if name in seen:
            return False
        seen[name] = None
        if len(seen) > _REMEMBERED_IDS:
            seen.popitem(last=False)
        return True

    def deliver(self, message: Message) -> bool:
        """Call the callback; its exception is logged and counted, and reported as False."""
        try:
            self.callback(message)
        except Exception:
            self.errors += 1
            _log.exception("a subscriber of %s failed", type(message).__name__)
            return False
        return True


class Bus:
    """The messages of one home as one manager sees them.

    Its thread starts with the first subscription.
    """

    def __init__(self, store: Store, *, poll_s: float = 0.05, capacity: int = 65_536) -> None:
        self._store = store
        self._poll_s = poll_s
        self._capacity = capacity
        self._wake = threading.Event()
        self._news = threading.Condition()
        self._lock = threading.Lock()
        self._subscriptions: tuple[Subscription, ...] = ()
        self._thread: threading.Thread | None = None
        self._closed = False
        self.published = 0

    def publish(self, message: Message) -> None:
        """Send telemetry: to the queues of this process, never to the disk."""
        self.published += 1
        for subscription in self._subscriptions:
            if isinstance(message, subscription.types):
                subscription.queue.put(message)

    def committed(self) -> None:
        """Wake whoever waits for durable messages: some were just committed in this process."""
        with self._news:
            self._news.notify_all()
        if self._subscriptions:
            self._wake.set()

    def wait(self, timeout_s: float) -> None:
        """Wait for `committed`, at most `timeout_s`: messages of other processes wake nobody."""
        with self._news:
            self._news.wait(timeout_s)

    def subscribe(
        self,
        types: type[Message] | tuple[type[Message], ...],
        callback: Callback,
        *,
        name: str = "",
        capacity: int | None = None,
    ) -> Subscription:
        """Call `callback(message)` on the bus's thread for each message of `types` from now on.

        Args:
            types: message types; subclasses count.
            callback: an exception in it is logged and counted; the bus goes on.
            name: keeps the place across restarts: what came while nobody listened is delivered.
            capacity: the bound of the telemetry queue.

        Raises:
            FailedPreconditionError: the bus is closed.
        """
        kinds = types if isinstance(types, tuple) else (types,)
        queue = TelemetryQueue(capacity or self._capacity, self._wake)
        subscription = Subscription(kinds, callback, name, queue)
        place = self._place(name) if name else None
        subscription.after = place.value["seq"] if place else self._store.last_seq()
        if name and place is None:
            with suppress(ConflictError):
                self._keep_place(subscription, expect=0)
        with self._lock:
            if self._closed:
                raise FailedPreconditionError("the manager is closed; open a new one")
            self._subscriptions = (*self._subscriptions, subscription)
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="aios-bus", daemon=True)
                self._thread.start()
        return subscription

    @property
    def dropped(self) -> int:
        """Telemetry dropped by all subscriptions."""
        return sum(item.dropped for item in self._subscriptions)

    def text(self) -> Iterator[str]:
        """Lines of the Prometheus exposition format."""
        yield "# HELP aios_telemetry_published_total Telemetry messages sent in this process."
        yield "# TYPE aios_telemetry_published_total counter"
        yield f"aios_telemetry_published_total {self.published}"
        yield "# HELP aios_telemetry_dropped_total Telemetry messages that a full queue dropped."
        yield "# TYPE aios_telemetry_dropped_total counter"
        yield f"aios_telemetry_dropped_total {self.dropped}"

    def close(self, timeout_s: float = 2.0) -> None:
        """Deliver what is there, then stop."""
        self._closed = True
        self._wake.set()
        self.committed()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _place(self, name: str) -> Document | None:
        found = self._store.documents("subscriptions", name)
        return next((item for item in found if item.key == name), None)

    def _keep_place(self, subscription: Subscription, expect: int = -1) -> None:
        value = {"seq": subscription.after}
        self._store.commit([PutDocument("subscriptions", subscription.name, value, expect)])

    def _loop(self) -> None:
        last = False
        while not last:
            last = self._closed
            self._wake.clear()
            for subscription in self._subscriptions:
                for message in subscription.queue.drain():
                    if not subscription.closed and subscription.is_new(message):
                        subscription.deliver(message)
                try:
                    self._deliver_durable(subscription)
                except AiosError as error:
                    if not self._closed:
                        _log.warning("messages can't be read: %s", error)
            self._drop_closed()
            if not last:
                self._wake.wait(self._poll_s)

    def _drop_closed(self) -> None:
        with self._lock:  # `subscribe` may add one meanwhile
            self._subscriptions = tuple(item for item in self._subscriptions if not item.closed)

    def _deliver_durable(self, subscription: Subscription) -> None:
        while not subscription.closed:
            batch = self._store.messages(subscription.after, limit=_BATCH)
            delivered = False
            for stored in batch:
                message = from_stored(stored)
                if subscription.wants(message) and subscription.is_new(message):
                    subscription.deliver(message)
                    delivered = True
                subscription.after = stored.seq
            if subscription.name and delivered:
                self._keep_place(subscription)
            if len(batch) < _BATCH:
                return
