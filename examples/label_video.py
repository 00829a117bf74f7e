"""Label a video: its movements as a table on the screen, every frame in a folder.

python examples/label_video.py VIDEO OUT
"""

import argparse

import mace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video", help="a video file, or a folder of its pictures")
    parser.add_argument("out", help="folder for frames.csv, events.csv and the annotated video")
    arguments = parser.parse_args()
    session = mace.analyse(arguments.video)
    print(session.events.to_string() if len(session.events) else "no movement")
    session.save(arguments.out)


if __name__ == "__main__":
    main()
