"""The head that all people share: mesh, the shapes it may take, movements of its skin."""
