from .reader import Picture, Remark, RemarkKind, VideoReader
from .writer import VideoWriter

__all__ = ["Picture", "Remark", "RemarkKind", "VideoReader", "VideoWriter"]
