"""CAS(ME)^3, part A: reading, builder, preparation."""
