"""How large a Parquet file's pages say they are once inflated, read from the pages themselves.

A footer can claim anything; the decoder allocates what each page's header says. Both are structs in Thrift's
compact protocol, and the field numbers are those of parquet-format's parquet.thrift. pyarrow could tell where
the pages are, but its row_group(i).column(j) ends the process on a footer that contradicts itself (26.0).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

FOOTER_LIMIT = 1 << 20  # a row group of a recording takes 2 kB
DEPTH_LIMIT = 12  # FileMetaData nests seven deep

# Types of the compact protocol.
STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(13)
# Fields: FileMetaData, RowGroup, ColumnChunk, ColumnMetaData, PageHeader.
ROW_GROUPS, COLUMNS, META_DATA = 4, 1, 3
PACKED_TOTAL, FIRST_DATA_PAGE, DICTIONARY_PAGE = 7, 9, 11
INFLATED, PACKED = 2, 3


def inflated_bytes(data: bytes, enough: int) -> int:
    """The sum over all pages of the file; stops once it is more than `enough`. ValueError: not a Parquet file."""
    total = 0
    try:
        for group in _footer(data)[ROW_GROUPS]:
            for chunk in group[COLUMNS]:
                column = chunk[META_DATA]
                at = column[FIRST_DATA_PAGE]
                at = min(at, column.get(DICTIONARY_PAGE) or at)
                end = at + column[PACKED_TOTAL]
                if not 0 <= at <= end <= len(data):
                    raise ValueError("a column outside the file")
                while at < end:
                    page = _Thrift(data, at)
                    header = page.struct()
                    if min(header[INFLATED], header[PACKED]) < 0:
                        raise ValueError("a page of negative size")
                    total += header[INFLATED]
                    if total > enough:
                        return total
                    at = page.at + header[PACKED]
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("a footer or a page header that is none") from error
    return total


def _footer(data: bytes) -> dict[int, Any]:
    length = int.from_bytes(data[-8:-4], "little")
    if not 0 < length <= min(FOOTER_LIMIT, len(data) - 12) or data[-4:] != b"PAR1":
        raise ValueError("a footer of the wrong length")
    return _Thrift(data, len(data) - 8 - length).struct()


class _Thrift:
    """Just enough of the compact protocol: structs as {field: value}, lists as lists, strings passed over."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def struct(self, depth: int = 0) -> dict[int, Any]:
        return {field: self._value(kind, depth + 1) for field, kind in self._fields()}

    def _fields(self) -> Iterator[tuple[int, int]]:
        field = 0
        while (head := self._byte()) != STOP:
            field = field + (head >> 4) if head >> 4 else self._integer()
            yield field, head & 0x0F

    def _value(self, kind: int, depth: int) -> Any:
        if depth > DEPTH_LIMIT:
            raise ValueError("a struct that is too deep")
        if kind in (I16, I32, I64):
            return self._integer()
        if kind == STRUCT:
            return self.struct(depth)
        if kind in (LIST, SET):
            head = self._byte()
            size = head >> 4 if head >> 4 != 15 else self._varint()
            if size > len(self.data) - self.at:  # each element takes a byte or more
                raise ValueError("a list longer than the file")
            return [self._element(head & 0x0F, depth + 1) for _ in range(size)]
        if kind == BINARY:
            length = self._varint()
            self.at += length
        elif kind == DOUBLE:
            self.at += 8
        elif kind == BYTE:
            self.at += 1
        elif kind not in (TRUE, FALSE):
            raise ValueError("a field of unknown type")
        return None

    def _element(self, kind: int, depth: int) -> Any:
        """As _value, but a truth value in a list takes a byte, where a field's is in its type."""
        return self._value(BYTE if kind in (TRUE, FALSE) else kind, depth)

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) >= 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise ValueError("a number that is too long")
        return value | byte << shift

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
