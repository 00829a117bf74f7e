"""Send what moves to other programs as it comes, by OSC over UDP: a sink of your own.

python examples/send_osc.py 0 --port 9000
"""

import argparse
import socket
import struct

import mace


def message(address: str, *values: str | float) -> bytes:
    """Return an OSC 1.0 message: address, types and values, each padded to four bytes."""
    texts = [address, "," + "".join("s" if isinstance(v, str) else "f" for v in values)]
    data = b"".join(map(padded, texts))
    return data + b"".join(
        padded(v) if isinstance(v, str) else struct.pack(">f", v) for v in values
    )


def padded(text: str) -> bytes:
    return text.encode() + b"\0" * (4 - len(text.encode()) % 4)


class OscSink:
    """/moves: person, region, px, of what moves now. /event: person, kind, onset, offset (s)."""

    def __init__(self, out: socket.socket, to: tuple[str, int]) -> None:
        self._out, self._to = out, to

    def __call__(self, result) -> None:
        for face in result.faces:
            for region in face.moving.regions if face.moving else ():
                self._send("/moves", face.identity, region.name, region.px)
        for event in result.events:
            self._send("/event", event.identity, event.kind, event.onset, event.offset)

    def _send(self, address: str, *values: str | float) -> None:
        self._out.sendto(message(address, *values), self._to)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="a camera's number, an address, a video or a folder")
    parser.add_argument("--host", default="127.0.0.1", help="where the other program runs")
    parser.add_argument("--port", type=int, default=9000, help="and where it listens")
    parser.add_argument("--fps", type=float, help="frames per second, where nobody says")
    given = parser.parse_args()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        sink = OscSink(out, (given.host, given.port))
        for _ in mace.stream(given.source, fps=given.fps, sinks=[sink]):
            pass
