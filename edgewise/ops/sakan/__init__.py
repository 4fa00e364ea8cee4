"""The sum over edges with shared functions: one function an output, a weight an input."""
