"""What moved between two aligned faces: appearance, difference, or optical flow with its strain.

`represent` is the one interface: training, evaluation and the live loop call the same function.
"""

from mace.motion.config import DisConfig, MotionConfig, TvL1Config
from mace.motion.detrend import remove_head_motion
from mace.motion.dis import dis_flow
from mace.motion.representation import channels, encode, measure_flow, represent
from mace.motion.strain import optical_strain
from mace.motion.tvl1 import tvl1_flow

__all__ = [
    "DisConfig",
    "MotionConfig",
    "TvL1Config",
    "channels",
    "dis_flow",
    "encode",
    "measure_flow",
    "optical_strain",
    "remove_head_motion",
    "represent",
    "tvl1_flow",
]
