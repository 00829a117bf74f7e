"""SAMM: spontaneous micro-movements at 200 frames/s, 2040 x 1088 px."""
