"""4DME: reading, builder, preparation."""
