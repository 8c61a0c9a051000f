"""Columns as PostgreSQL's arrays, in its binary form (array_recv): psycopg makes them in Python, element after element,
which took a quarter of the time that a server has under load.

Pass them for a `%b`; importing this makes psycopg know them.
"""

from __future__ import annotations

import struct

import numpy as np
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

HEAD = struct.Struct(">iiIii")  # dimensions, whether there are NULLs, elements' type, how many, the first one's number
SIZE = struct.Struct(">i")  # bytes of the element that follows
BIGINT = np.dtype([("size", ">i4"), ("value", ">i8")])


class BigInts(list[int]):
    """A column of bigint."""


class Bytes(list[bytes]):
    """A column of bytea."""


class _BigInts(Dumper):
    format, oid = Format.BINARY, psycopg.postgres.types["int8"].array_oid

    def dump(self, values: BigInts) -> bytes:
        elements = np.empty(len(values), BIGINT)
        elements["size"], elements["value"] = 8, values
        return _head("int8", len(values)) + elements.tobytes()


class _Bytes(Dumper):
    format, oid = Format.BINARY, psycopg.postgres.types["bytea"].array_oid

    def dump(self, values: Bytes) -> bytes:
        return _head("bytea", len(values)) + b"".join([SIZE.pack(len(value)) + value for value in values])


def _head(element: str, n: int) -> bytes:
    return HEAD.pack(1, 0, psycopg.postgres.types[element].oid, n, 1)


for column, dumper in (BigInts, _BigInts), (Bytes, _Bytes):
    psycopg.adapters.register_dumper(column, dumper)
