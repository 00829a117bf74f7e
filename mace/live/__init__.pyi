from .config import LiveConfig
from .engine import LiveEngine
from .labelled import Labelled, LabelledFrame
from .overlay import draw
from .pipeline import label_frames, results
from .recorder import Recorder
from .results import Counters, Result
from .sources import Frame, Source, open_source

__all__ = [
    "Counters",
    "Frame",
    "Labelled",
    "LabelledFrame",
    "LiveConfig",
    "LiveEngine",
    "Recorder",
    "Result",
    "Source",
    "draw",
    "label_frames",
    "open_source",
    "results",
]
