"""MMEW: reading, builder, preparation."""
