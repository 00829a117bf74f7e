"""Chooses the source for what a person names."""

import re
from dataclasses import replace
from pathlib import Path

from mace.errors import DataError
from mace.live.config import SourceConfig
from mace.live.sources.camera import Camera
from mace.live.sources.frame import Source
from mace.live.sources.pipe import Pipe
from mace.live.sources.stored import Paced, StoredVideo
from mace.live.sources.stream import ADDRESS, NetworkStream
from mace.video.folder import PictureFolder, is_pattern
from mace.video.reader import VideoReader

_DEVICE = re.compile(r"(?:/dev/video)?(\d+)")
_CAMERA = "camera:"


def open_source(
    spec: str | Path, config: SourceConfig | None = None, *, fps: float | None = None
) -> Source:
    """Open what `spec` names.

    Args:
        spec: a video that FFmpeg can read; a folder of pictures named by their frame numbers, or
            their pattern (img%05d.png, *.jpg); a camera by index (`0`, `/dev/video0`) or name
            (`camera:NAME`); an address (rtsp://, http://, https://); `-` for standard input.
            A `Path` always is a file, folder or pattern.
        config: what is asked of it.
        fps: frames per second in place of those in `config`.

    Raises:
        DataError: if there is nothing of that name, it is empty, or it gives no frames.
    """
    config = config or SourceConfig()
    if fps is not None:
        config = replace(config, fps=fps)
    if isinstance(spec, str):
        if spec == "-":
            return Pipe(config)
        if ADDRESS.match(spec):
            return NetworkStream(spec, config)
        if spec.startswith(_CAMERA):
            name = spec.removeprefix(_CAMERA)
            return Camera(int(name) if name.isdecimal() else name, config)
        if device := _DEVICE.fullmatch(spec):
            return Camera(int(device[1]), config)
    stored = open_recording(Path(spec), fps=config.fps)
    return Paced(stored) if config.realtime else stored


def open_recording(path: Path, *, fps: float | None = None) -> StoredVideo:
    """Open a video file, a folder of pictures or their pattern.

    Raises:
        DataError: if there is no such recording, or it cannot be read.
    """
    if path.is_dir() or (not path.exists() and is_pattern(path)):
        return StoredVideo(PictureFolder(path, fps=fps))
    if not path.exists():
        raise DataError(f"there is no video at {path}; check the path")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty (0 bytes); copy or record it again")
    return StoredVideo(VideoReader(path, fps=fps))
