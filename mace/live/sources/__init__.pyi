from .camera import Camera, CameraReport, list_cameras
from .config import SourceConfig
from .folder import ImageFolder
from .frame import Frame, Source, SourceLost
from .incident import Incident, IncidentKind
from .memory import MemorySource
from .network import NetworkStream
from .opening import open_source
from .paced import Paced, paced
from .pipe import Pipe
from .video import VideoFile

__all__ = [
    "Camera",
    "CameraReport",
    "Frame",
    "ImageFolder",
    "Incident",
    "IncidentKind",
    "MemorySource",
    "NetworkStream",
    "Paced",
    "Pipe",
    "Source",
    "SourceConfig",
    "SourceLost",
    "VideoFile",
    "list_cameras",
    "open_source",
    "paced",
]
