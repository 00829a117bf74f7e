from .config import LiveConfig
from .network import make_network
from .overlay import draw
from .pipeline import Labelled, LabelledFrame, label_frames
from .recorder import Recorder
from .sources import Frame, Source, open_source

__all__ = [
    "Frame",
    "Labelled",
    "LabelledFrame",
    "LiveConfig",
    "Recorder",
    "Source",
    "draw",
    "label_frames",
    "make_network",
    "open_source",
]
