"""Everything this package raises on purpose.

SensorError                 the root; its text is one line: WHAT is wrong WHERE (wanted X, got Y)
├── PacketError             bytes that are not a packet of the band's protocol
│   └── FrameDamaged        a frame of packets (frames.py) that did not arrive as it was sent
├── RecordingError          a recording or its sidecar that cannot be read or written
├── SourceError             a SOURCE that names nothing, or a device model nobody knows
├── LinkError               Bluetooth: no adapter, band not found, connection lost for good
│   └── Refused             the band, or what it is, says no: trying again does not help
├── UplinkError             a server that cannot be reached or refuses what it is sent
└── SpoolError              packets kept on this computer that cannot be read
    └── SpoolInUse          another process has them
"""

from __future__ import annotations


class SensorError(Exception):
    """The root: catch this to catch all of them."""


class PacketError(SensorError):
    """Bytes that are not a packet of the band's protocol."""


class FrameDamaged(PacketError):
    """A frame of packets that did not arrive as it was sent: send it again."""


class RecordingError(SensorError):
    """A recording or its sidecar that cannot be read or written."""


class SourceError(SensorError):
    """A source that names nothing, or a device model nobody knows."""


class LinkError(SensorError):
    """Bluetooth: no adapter, band not found, connection lost for good."""


class Refused(LinkError):
    """The band, or what it is, says no: trying again does not help."""


class UplinkError(SensorError):
    """A server that cannot be reached or refuses what it is sent."""


class SpoolError(SensorError):
    """Packets kept on this computer that cannot be read."""


class SpoolInUse(SpoolError):
    """Another process has them."""
