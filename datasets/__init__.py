"""Builders of the data sets: one folder each, laid out as TensorFlow Datasets lays them out."""
