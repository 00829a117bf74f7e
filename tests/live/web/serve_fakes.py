"""Serve fake results: `serve_fakes.py [FOLDER OF FRAMES] [HOST]`."""

import sys
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).parents[2]))
from livefakes import FACTS, FakeEngine, SourceWatch, grey_images, looped

from mace.live.web.config import WebConfig
from mace.live.web.server import serve


def main():
    images = grey_images()
    if len(sys.argv) > 1:
        from mace.live.sources import ImageFolder

        images = [frame.image for frame in ImageFolder(Path(sys.argv[1])).frames()]
        images += images[::-1]
        images = [cv2.resize(image, (640, 480)) for image in images]
    config = WebConfig(port=0, host=sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1")
    watch = SourceWatch(looped(images, fps=100, seconds=300.0), FakeEngine())
    serve(
        FACTS,
        config=config,
        watch=watch,
        make_engine=FakeEngine,
        say=lambda text: print(text, flush=True),
    )


if __name__ == "__main__":
    main()
