from .capture import Capture
from .config import LiveConfig
from .engine import LiveEngine
from .labelled import LabelledFrame
from .loop import LiveLoop
from .mailbox import Mailbox
from .network import make_network
from .overlay import draw_result
from .pipeline import answer_frames
from .recorder import Recorder
from .results import Counters, Result
from .sources import Frame, Incident, Source, SourceConfig, open_source

__all__ = [
    "Capture",
    "Counters",
    "Frame",
    "Incident",
    "LabelledFrame",
    "LiveConfig",
    "LiveEngine",
    "LiveLoop",
    "Mailbox",
    "Recorder",
    "Result",
    "Source",
    "SourceConfig",
    "answer_frames",
    "draw_result",
    "make_network",
    "open_source",
]
