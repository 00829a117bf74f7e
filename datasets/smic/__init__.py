"""SMIC: spontaneous micro-expressions by a fast, a visual and a near-infrared camera."""
