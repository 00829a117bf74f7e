"""A person before a camera: light, what is in front, what the sensor makes of it."""
