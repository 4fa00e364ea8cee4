"""What all rooms stand on: errors, registries, optional packages, and how figures, pages and progress look."""
