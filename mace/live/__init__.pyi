from .capture import Capture
from .config import LiveConfig
from .mailbox import Mailbox
from .overlay import draw
from .pipeline import Labelled, LabelledFrame, label_frames
from .recorder import Recorder
from .sources import Frame, Incident, Source, SourceConfig, open_source

__all__ = [
    "Capture",
    "Frame",
    "Incident",
    "Labelled",
    "LabelledFrame",
    "LiveConfig",
    "Mailbox",
    "Recorder",
    "Source",
    "SourceConfig",
    "draw",
    "label_frames",
    "open_source",
]
