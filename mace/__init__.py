"""MACE: micro-expression recognition with multi-scale atrous convolutions, in JAX.

The rooms, in the order a frame walks through them: `mace.face` finds and corrects the face,
`mace.motion` turns two corrected frames into a motion image, `mace.models` names it,
`mace.training` fits the model, `mace.evaluation` says what the result is worth, and
`mace.live` does the first three on a video. Nothing heavy is imported here.
"""

__version__ = "0.1.0"
