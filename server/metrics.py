"""Numbers of the server for Prometheus. Of nobody: no label is an id, a name or an address."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import processing

if TYPE_CHECKING:
    from server.service import Service

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
CODES = {1000, 1001, 1003, 1005, 1006, 1008, 1009, 1012, 1013, 4000, 4001, 4003, 4004, 4009, 4022}


class Metrics:
    def __init__(self, service: Service) -> None:
        self._registry = registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        self._requests = Counter("hiprep_requests", "requests answered", ["method", "route", "status"], registry=registry)
        self._took = Histogram("hiprep_request_seconds", "until they were answered", ["route"], buckets=SECONDS, registry=registry)
        self._sockets = Counter("hiprep_sockets_closed", "sockets closed by the server, by code", ["route", "code"], registry=registry)
        registry.register(_Now(service))

    def answered(self, method: str, route: str, status: int, took_s: float) -> None:
        self._requests.labels(method, route, status).inc()
        self._took.labels(route).observe(took_s)

    def closed(self, route: str, code: int) -> None:
        self._sockets.labels(route, code if code in CODES else "none").inc()

    def text(self) -> bytes:
        """In a worker thread: it asks the disk."""
        return generate_latest(self._registry)


class _Now(Collector):
    """What is so at the moment of asking."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        service = self._service
        intake, disk = service.ingest.intake, shutil.disk_usage(service.data.path)
        now = {
            "hiprep_sessions_in_memory": ("sessions that take packets, in memory", service.ingest.residents),
            "hiprep_senders": ("sockets that packets come over", intake.senders),
            "hiprep_round_seconds": ("from a frame's coming to its commit, in the last round", intake.round_s),
            "hiprep_packets": ("packets that were stored since the start", intake.packets),
            "hiprep_commits": ("commits that stored packets since the start", intake.commits),
            "hiprep_writer_alive": ("the thread that writes", float(service.store.alive)),
            "hiprep_disk_free_bytes": ("where recordings are", disk.free),
        }
        for name, (what, value) in now.items():
            yield GaugeMetricFamily(name, what, value)
        info = GaugeMetricFamily("hiprep_info", "which version counts", labels=["version"])
        info.add_metric([processing.VERSION], 1)
        yield info
