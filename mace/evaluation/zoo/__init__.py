"""The field's networks side by side, all trained alike."""
