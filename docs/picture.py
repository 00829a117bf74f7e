"""Draws the README's moving picture: a rendered face, its motion field, the event that is found.

    uv run --group docs python docs/picture.py

The face is computer-made (`mace.datasets.synthetic`) and so is its movement, raised brows for a
quarter of a second. What is drawn of it is what `mace live` finds in the video, and `mace.flow`
from the frame at the onset. About half a minute on two CPU cores.
"""

import io
import json
import tempfile
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import mace
from mace.cli import main
from mace.datasets.synthetic.clips.clip import RenderedClip, render_movements
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.expression import Movement
from mace.datasets.synthetic.clips.subject import Subject
from mace.video.writer import VideoWriter

OUT = Path(__file__).parent / "_static" / "event.webp"
FPS = 100.0
SLOWER = 4
STEP = 3  # of the video's frames, every so many are drawn
ARROWS = 12  # px of the video between two arrows
LONGER = 8  # times the motion, for the eye


def render() -> RenderedClip:
    """Render 1.5 s of a face whose brows rise, at 0.6 s, by a little over two pixels."""
    config = ClipConfig(
        width=320, height=320, frames=150, fps=FPS, eye_distance=92.0, blink=0, gaze=0,
        head_motion=0.3,
    )  # fmt: skip
    peaks = {"1": 2.4, "2": 2.4}
    flash = Movement("surprise", peaks, start=0.6, rise=0.1, hold=0.03, fall=0.15)
    return render_movements(Subject(5), (flash,), seed=7, config=config, blinks=())


def find(clip: RenderedClip) -> dict:
    """Return the micro-expression that `mace live` finds in the clip, as it writes it."""
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "clip.mov"
        writer = VideoWriter(video, codec="mjpeg", size=(320, 320))
        for index, frame in enumerate(clip.frames):
            writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR), index / FPS)
        writer.close()
        out = Path(folder) / "out"
        assert main(["live", str(video), "--out", str(out)]) == 0
        events = [json.loads(line) for line in (out / "events.jsonl").open()]
    return next(event for event in events if event["kind"] == "micro")


def draw(clip: RenderedClip, event: dict) -> list[Image.Image]:
    """Return the picture's frames."""
    onset = clip.frames[event["onset_frame"]]
    fields = mace.flow(np.stack([onset] * len(clip.frames)), clip.frames)
    head = clip.motion(event["onset_frame"], event["apex_frame"])[1]
    # Of the face alone: the head drifts by some tenths of a pixel meanwhile.
    fields -= np.median(fields[:, head], axis=1)[:, None, None]
    fields *= head[None, ..., None]
    lengths = np.linalg.norm(fields, axis=-1)
    curve = np.quantile(lengths[:, head], 0.98, axis=1)
    times = np.arange(len(clip.frames)) / FPS
    return [
        _frame(clip.frames[k], fields[k], curve, times, k, event)
        for k in range(0, len(clip.frames), STEP)
    ]


def _frame(
    picture: np.ndarray,
    field: np.ndarray,
    curve: np.ndarray,
    times: np.ndarray,
    k: int,
    event: dict,
) -> Image.Image:
    figure = Figure(figsize=(6.4, 4.5), dpi=100, facecolor="#15181c")
    face, motion = (
        figure.add_axes((0.01, 0.33, 0.48, 0.61)),
        figure.add_axes((0.51, 0.33, 0.48, 0.61)),
    )
    line = figure.add_axes((0.08, 0.12, 0.9, 0.17), facecolor="#15181c")
    face.imshow(picture, cmap="gray", vmin=0, vmax=255)
    face.set_title("rendered face", color="white", fontsize=10)
    motion.imshow(picture, cmap="gray", vmax=420)
    y, x = np.mgrid[ARROWS // 2 : 320 : ARROWS, ARROWS // 2 : 320 : ARROWS]
    u, v = field[y, x, 0], field[y, x, 1]
    length = np.hypot(u, v)
    moved = length > 0.15
    motion.quiver(
        x[moved], y[moved], u[moved], v[moved], length[moved], cmap="plasma", angles="xy",
        scale_units="xy", scale=1 / LONGER, width=0.006, clim=(0, 2.5),
    )  # fmt: skip
    motion.set(xlim=(0, 319), ylim=(319, 0))
    motion.set_title(f"what its skin does since the onset, x {LONGER}", color="white", fontsize=10)
    for axes in (face, motion):
        axes.axis("off")
    line.plot(times, curve, color="#555b63", lw=1)
    line.plot(times[: k + 1], curve[: k + 1], color="#ffb000", lw=1.6)
    if times[k] >= event["onset"]:
        end = min(times[k], event["offset"])
        line.axvspan(event["onset"], end, color="#2f9e6e", alpha=0.45, lw=0)
    if times[k] >= event["offset"]:
        lasted = event["offset"] - event["onset"]
        text = f"micro, {event['label']} {event['confidence']:.2f}\n{lasted:.2f} s"
        line.text(
            event["offset"] + 0.02, curve.max() * 0.98, text, color="#7fe0b5", va="top", fontsize=10
        )
    line.set(xlim=(0, times[-1]), ylim=(0, curve.max() * 1.1), xlabel="s", ylabel="px")
    line.tick_params(colors="#9aa3ad", labelsize=8)
    line.xaxis.label.set_color("#9aa3ad")
    line.yaxis.label.set_color("#9aa3ad")
    line.spines[:].set_visible(False)
    page = io.BytesIO()
    figure.savefig(page, format="png", facecolor=figure.get_facecolor())
    return Image.open(page).convert("RGB")


def write(frames: list[Image.Image]) -> None:
    """Write the frames as an animated picture that plays at a quarter of the speed."""
    OUT.parent.mkdir(exist_ok=True)
    pause = round(1000 * STEP * SLOWER / FPS)
    times = [pause] * (len(frames) - 1) + [1500]
    frames[0].save(
        OUT, save_all=True, append_images=frames[1:], duration=times, loop=0, quality=70, method=6
    )


if __name__ == "__main__":
    matplotlib.use("agg")
    clip = render()
    write(draw(clip, find(clip)))
    print(f"{OUT}: {OUT.stat().st_size / 1e6:.2f} MB")
