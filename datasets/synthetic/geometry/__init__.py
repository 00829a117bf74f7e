"""Geometry that knows no face: cameras, rasters, normals and shadows of meshes."""
