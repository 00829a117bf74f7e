"""Video files: frames with the times that their container gives them, read and written by PyAV."""
