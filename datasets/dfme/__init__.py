"""DFME: reading, builder, preparation."""
