"""What bleak and the systems under it do: whatever they raise as one line, and bounds that hold."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from typing import Any, NamedTuple, TypeVar

from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason

from sensor.errors import LinkError, SensorError

T = TypeVar("T")
GRACE_S = 1.0  # for what was cancelled to tidy up


class Backend(NamedTuple):
    """bleak's backend classes; None means the platform's own."""

    scanner: Any = None
    client: Any = None


PLATFORM = Backend()


@contextlib.contextmanager
def link_errors(what: str) -> Iterator[None]:
    """Whatever bleak and its platforms raise, as one line. After a link went away that is nearly anything."""
    try:
        yield
    except SensorError:
        raise
    except Exception as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        raise LinkError(f"{what}: {' '.join(reason.split())}") from error
    except asyncio.CancelledError:
        # Windows cancels what was under way on a link that goes away. Nobody else did?
        if (task := asyncio.current_task()) and task.cancelling():
            raise
        raise LinkError(f"{what}: the link went away") from None


async def within(seconds: float, doing: Coroutine[Any, Any, T]) -> T:
    """A bound that holds where the platform does not let itself be cancelled either (bleak issue 1432)."""
    task = asyncio.ensure_future(doing)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=GRACE_S)
            task.add_done_callback(lambda late: late.cancelled() or late.exception())  # nobody asks any more


NONE = "no Bluetooth on this computer (wanted an adapter for Bluetooth Low Energy and, on Linux, the service bluetooth)"
OFF = "Bluetooth is switched off (wanted on, in the settings of this computer)"
DENIED = "this program may not use Bluetooth (wanted permission, in the settings for privacy; on Linux: the group bluetooth)"
BUSY = "another program is using Bluetooth to scan (wanted it closed, or wait a minute)"
Reason = BleakBluetoothNotAvailableReason
REASONS = {
    Reason.NO_BLUETOOTH: NONE, Reason.NO_BLE_CENTRAL_ROLE: NONE, Reason.POWERED_OFF: OFF,
    Reason.DENIED_BY_USER: DENIED, Reason.DENIED_BY_SYSTEM: DENIED, Reason.DENIED_BY_UNKNOWN: DENIED,
}  # fmt: skip
# What Linux (D-Bus, BlueZ) and Windows say in other words, the likelier first.
SAID = {
    "InProgress": BUSY, "NotReady": OFF, "turned on": OFF, "not ready for use": OFF, "AccessDenied": DENIED,
    "ServiceUnknown": NONE, "UnknownObject": NONE,
}  # fmt: skip


def cannot_scan(error: Exception) -> str:
    """Why not, in a line that a patient can act on."""
    if isinstance(error, BleakBluetoothNotAvailableError) and error.reason in REASONS:
        return REASONS[error.reason]
    for kind, line in ((FileNotFoundError, NONE), (ConnectionRefusedError, NONE), (PermissionError, DENIED)):
        if isinstance(error, kind):
            return line
    text = " ".join(str(error).split()) or type(error).__name__
    return next((line for word, line in SAID.items() if word in text), f"Bluetooth cannot scan: {text}")
