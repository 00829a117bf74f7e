"""Faces: detection, landmarks and face correction, for stored clips and live frames alike."""
