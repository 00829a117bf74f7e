"""The head that all people share: mesh, movements of its skin, places on it."""
