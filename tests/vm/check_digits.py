#!/usr/bin/python3
"""Compares what the digits notebook printed with the committed text, and checks its figure.

usage: check_digits.py EXPECTED OUTPUTS FIGURE     OUTPUTS: an executed notebook, or jupyter_client.py's cells
Numbers must agree to 12 digits, all else to the letter. The figure is written to FIGURE after it proved a whole PNG.
"""
import base64
import json
import re
import struct
import sys
import zlib

NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def text_of(value):
    return value if isinstance(value, str) else "".join(value)


def collect(cells):
    """All text in order, and the figures."""
    text, figures = "", []
    for outputs in cells:
        for output in outputs:
            if output["output_type"] == "error":
                sys.exit(f"a cell failed: {output['ename']}: {output['evalue']}")
            if output["output_type"] == "stream":
                text += text_of(output["text"])
            else:
                text += text_of(output["data"].get("text/plain", "")) + "\n"
                if "image/png" in output["data"]:
                    figures.append(base64.b64decode(text_of(output["data"]["image/png"])))
    return text, figures


def compare(expected, got):
    for number, (want, have) in enumerate(zip(expected.splitlines(), got.splitlines()), 1):
        if NUMBER.sub("#", want) != NUMBER.sub("#", have):
            sys.exit(f"line {number}: wanted {want!r}, got {have!r}")
        for a, b in zip(NUMBER.findall(want), NUMBER.findall(have)):
            if abs(float(a) - float(b)) > 1e-12 * abs(float(a)):
                sys.exit(f"line {number}: wanted {a}, got {b}")
    if len(expected.splitlines()) != len(got.splitlines()):
        sys.exit(f"wanted {len(expected.splitlines())} lines, got {len(got.splitlines())}")


def check_png(png):
    """Every chunk's checksum, and as many pixels as the header promises."""
    if png[:8] != b"\x89PNG\r\n\x1a\n":
        sys.exit("the figure is no PNG")
    at, data, header = 8, b"", None
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        body = png[at + 8:at + 8 + size]
        if zlib.crc32(kind + body) != struct.unpack(">I", png[at + 8 + size:at + 12 + size])[0]:
            sys.exit(f"the figure's {kind} is damaged")
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            data += body
        at += 12 + size
    width, height, depth, colour = header[:4]
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    if len(zlib.decompress(data)) != height * (1 + width * channels * depth // 8) or width < 300 or height < 100:
        sys.exit(f"the figure is not whole: {width} x {height}")


def main():
    expected, outputs, figure = sys.argv[1:]
    with open(outputs, encoding="utf-8") as file:
        cells = json.load(file)
    if isinstance(cells, dict):
        cells = [cell.get("outputs", []) for cell in cells["cells"]]
    got, figures = collect(cells)
    with open(expected, encoding="utf-8") as file:
        compare(file.read(), got)
    if len(figures) != 1:
        sys.exit(f"wanted one figure, got {len(figures)}")
    check_png(figures[0])
    with open(figure, "wb") as file:
        file.write(figures[0])


main()
