"""The edge sum: a function on every edge, in fully connected layers and convolutions."""
