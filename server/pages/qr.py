"""A link as a QR code, for a phone's camera: inline SVG, drawn in the page's own colours."""

from __future__ import annotations

import segno

QUIET = 4  # modules of margin: ISO/IEC 18004


def squares(text: str) -> dict[str, object]:
    """size: of the drawing; path: one closed run a dark stretch, to be filled."""
    code = segno.make_qr(text, error="m")
    rows = [list(row) for row in code.matrix_iter(border=QUIET)]
    path = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            begin = x
            while x < len(row) and row[x]:
                x += 1
            if x > begin:
                path.append(f"M{begin} {y}h{x - begin}v1h-{x - begin}z")
            x += 1
    return {"size": len(rows), "path": "".join(path)}
