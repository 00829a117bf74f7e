from .broadcast import Broadcast
from .config import WebConfig
from .live import LoopWatch, serve_live
from .server import make_app, serve
from .session import Engine
from .watch import Facts, Watch

__all__ = [
    "Broadcast",
    "Engine",
    "Facts",
    "LoopWatch",
    "Watch",
    "WebConfig",
    "make_app",
    "serve",
    "serve_live",
]
