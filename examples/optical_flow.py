"""Draw the motion between two pictures of one size: direction as colour, length as brightness.

python examples/optical_flow.py ONSET.png APEX.png FLOW.png
"""

import argparse

import cv2
import numpy as np

import mace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("onset", "apex", "out"):
        parser.add_argument(name, help="a picture")
    arguments = parser.parse_args()
    onset, apex = (
        cv2.imread(path, cv2.IMREAD_GRAYSCALE) for path in (arguments.onset, arguments.apex)
    )
    field = mace.flow(onset, apex, method="tvl1")  # (h, w, 2): px to the right and down
    length, angle = cv2.cartToPolar(field[..., 0], field[..., 1], angleInDegrees=True)
    light = 255 * np.minimum(length / np.percentile(length, 99), 1)
    hsv = np.stack([angle / 2, np.full_like(angle, 255), light], axis=-1).astype(np.uint8)
    cv2.imwrite(arguments.out, cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR))
    print(f"the longest motion is {length.max():.2f} px; {arguments.out} shows all")


if __name__ == "__main__":
    main()
