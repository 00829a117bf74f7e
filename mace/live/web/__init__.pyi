from .broadcast import Broadcast
from .config import WebConfig
from .live import LoopWatch, serve_live
from .server import Facts, SourceWatch, Watch, make_app, serve
from .session import Engine

__all__ = [
    "Broadcast",
    "Engine",
    "Facts",
    "LoopWatch",
    "SourceWatch",
    "Watch",
    "WebConfig",
    "make_app",
    "serve",
    "serve_live",
]
