from .broadcast import Broadcast
from .config import WebConfig
from .server import Facts, Watch, make_app, serve
from .session import Engine

__all__ = ["Broadcast", "Engine", "Facts", "Watch", "WebConfig", "make_app", "serve"]
