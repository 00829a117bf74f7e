from .layout import is_export
from .loading import Export, load_export
from .program import inference_program
from .saving import PLATFORMS, export_bundle

__all__ = [
    "PLATFORMS",
    "Export",
    "export_bundle",
    "inference_program",
    "is_export",
    "load_export",
]
