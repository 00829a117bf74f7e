"""Serve fake results: `serve_fakes.py --help`."""

import argparse
import sys
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).parents[2]))
from livefakes import FACTS, FakeEngine, FakeRunner, grey_images, looped

from mace.live.web.config import WebConfig
from mace.live.web.server import serve


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=Path, help="folder of images in place of grey ones")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--cert", type=Path)
    parser.add_argument("--key", type=Path)
    asked = parser.parse_args()
    images = grey_images()
    if asked.frames is not None:
        from mace.live.sources.folder import ImageFolder

        images = [frame.image for frame in ImageFolder(asked.frames).frames()]
        images += images[::-1]
        images = [cv2.resize(image, (640, 480)) for image in images]
    config = WebConfig(port=0, host=asked.host, cert=asked.cert, key=asked.key)
    serve(
        FACTS,
        config=config,
        make_runner=lambda publish: FakeRunner(
            looped(images, fps=100, seconds=300.0), FakeEngine(), publish
        ),
        make_pipeline=FakeEngine,
        say=lambda text: print(text, flush=True),
    )


if __name__ == "__main__":
    main()
