from .capture import Capture
from .config import LiveConfig
from .engine import LiveEngine
from .labelled import Labelled, LabelledFrame
from .loop import LiveLoop
from .mailbox import Mailbox
from .overlay import draw
from .pipeline import label_frames, results
from .recorder import Recorder
from .results import Counters, Result
from .sources import Frame, Incident, Source, SourceConfig, open_source

__all__ = [
    "Capture",
    "Counters",
    "Frame",
    "Incident",
    "Labelled",
    "LabelledFrame",
    "LiveConfig",
    "LiveEngine",
    "LiveLoop",
    "Mailbox",
    "Recorder",
    "Result",
    "Source",
    "SourceConfig",
    "draw",
    "label_frames",
    "open_source",
    "results",
]
