"""Serve fake results: `serve_fakes.py --help`."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).parents[2]))
from livefakes import FACTS, FakeEngine, FakeRunner, brow_raise, grey_images, looped

from mace.live.web.config import WebConfig
from mace.live.web.server import LivePage


class BrowEngine(FakeEngine):
    """Every face has a brow up by so many px."""

    def __init__(self, px):
        super().__init__()
        self._moving = replace(brow_raise(0.6), motion=brow_raise(0.6).motion * (px / 0.6))

    def push(self, frame):
        (result,) = super().push(frame)
        faces = tuple(replace(face, moving=self._moving) for face in result.faces)
        return [replace(result, faces=faces)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=Path, help="folder of images in place of grey ones")
    parser.add_argument("--brow", type=float, help="px by which a brow is always up")
    parser.add_argument("--seconds", type=float, default=300.0, help="when the source ends")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--cert", type=Path)
    parser.add_argument("--key", type=Path)
    asked = parser.parse_args()
    images = grey_images()
    if asked.frames is not None:
        from mace.video.folder import PictureFolder

        images = [picture.image for picture in PictureFolder(asked.frames).pictures()]
        images += images[::-1]
        images = [cv2.resize(image, (640, 480)) for image in images]
    config = WebConfig(port=0, host=asked.host, cert=asked.cert, key=asked.key)
    engine = FakeEngine() if asked.brow is None else BrowEngine(asked.brow)
    page = LivePage(
        FACTS,
        config=config,
        make_runner=lambda pages: FakeRunner(
            looped(images, fps=100, seconds=asked.seconds), engine, pages
        ),
        make_pipeline=FakeEngine,
    )
    page.serve(lambda text: print(text, flush=True))


if __name__ == "__main__":
    main()
