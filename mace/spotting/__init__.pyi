from .events import Event, Kind

__all__ = ["Event", "Kind"]
