"""CAS(ME)^2: reading, builder, preparation."""
