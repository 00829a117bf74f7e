from .config import ConventionConfig, DisConfig, MotionConfig, TvL1Config
from .detrend import remove_head_motion
from .dis import dis_flow
from .patches import patch_flow
from .representation import channels, encode, measure_flow, represent, trace_flow
from .strain import optical_strain
from .tvl1 import tvl1_flow

__all__ = [
    "ConventionConfig",
    "DisConfig",
    "MotionConfig",
    "TvL1Config",
    "channels",
    "dis_flow",
    "encode",
    "measure_flow",
    "optical_strain",
    "patch_flow",
    "remove_head_motion",
    "represent",
    "trace_flow",
    "tvl1_flow",
]
