"""The other side of the table: what a model says and sends, without a radio. A virtual model puts it on the air."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from sensor.clock import GAP_PERIODS
from sensor.samples import Samples

BATTERY_PERCENT = 87

# What a characteristic can do, as a model's table says it.
NOTIFY, READ, WRITE = "notify", "read", "write"


class Peripheral:
    """One device of a model. `name`: as it advertises; `firmware`: as Device Information says it, None: it has none.

    table: service -> characteristic -> what it can do. A model's own class answers `write`, sets `streaming`, and plays.
    """

    name: str
    table: Mapping[str, Mapping[str, Sequence[str]]]
    model: str | None = None
    firmware: str | None = None
    adopted_battery = True

    def __init__(self) -> None:
        self.streaming = False

    def read(self, uuid: str) -> bytes:
        return b""

    def write(self, uuid: str, data: bytes) -> Iterable[tuple[str, bytes]]:
        """What it then says: (characteristic, value)."""
        return ()

    def play(self, samples: Samples) -> Iterator[tuple[float, str, bytes]]:
        """A recording as it would measure it: (when it is due in s, characteristic, notification). Asked for one at a
        time, so that what a host sets meanwhile counts from then on."""
        raise NotImplementedError


def resampled(
    t: np.ndarray, values: np.ndarray, rate_hz: float, phase: float = 0.0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Columns at a rate, on one grid from the first row on (and `phase` periods later): for each run without a gap its
    places on the grid, in periods, and its values (n, k)."""
    t = t - t[0]
    holes = np.diff(t)
    period = np.median(holes) if len(holes) else 1 / rate_hz
    # Before thinning out, an average over about one period of the band, as a sensor's own low-pass does; of an
    # odd number of samples, or it would come late.
    width = round(1 / (period * rate_hz)) // 2 * 2 + 1
    edges = [0, *np.flatnonzero(holes > GAP_PERIODS * period) + 1, len(t)]
    for begin, end in zip(edges, edges[1:]):
        run = values[begin:end]
        if width > 1:
            from scipy.ndimage import uniform_filter1d

            run = uniform_filter1d(run, width, axis=0, mode="nearest")
        first = np.ceil(t[begin] * rate_hz - phase - 1e-6)
        grid = np.arange(first, np.floor(t[end - 1] * rate_hz - phase + 1e-6) + 1) + phase
        yield grid, np.stack([np.interp(grid / rate_hz, t[begin:end], column) for column in run.T], axis=1)


def blocks(samples: Samples, rate_hz: float, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """A recording at a band's rate, `size` samples at a time: t (n,) s, and m/s² and rad/s (n, 6)."""
    if len(samples):
        for grid, values in resampled(samples.t, np.hstack((samples.acc, samples.gyr)), rate_hz):
            for i in range(0, len(grid), size):
                yield grid[i : i + size] / rate_hz, values[i : i + size]
