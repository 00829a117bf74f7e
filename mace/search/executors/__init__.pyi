from .config import EngineConfig, EngineKind
from .inline import InlineExecutor
from .local import LocalExecutor
from .make import Engine, make_engine
from .on_ray import RayExecutor
from .protocol import Executor, Failure, Work

__all__ = [
    "Engine",
    "EngineConfig",
    "EngineKind",
    "Executor",
    "Failure",
    "InlineExecutor",
    "LocalExecutor",
    "RayExecutor",
    "Work",
    "make_engine",
]
