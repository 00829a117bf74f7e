"""How prepared data sets are stored."""

import importlib.util


def file_format() -> str:
    """Return TFDS's name of the format to write: ArrayRecord, or Parquet where that is not made.

    ArrayRecord has no package for Windows. A data set says itself how it is stored, and is read
    wherever the format is known: Parquet everywhere.
    """
    return "parquet" if importlib.util.find_spec("array_record") is None else "array_record"
