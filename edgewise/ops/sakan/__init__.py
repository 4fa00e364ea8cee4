"""The sum over edges with shared functions: one function for each output, one weight for each input."""
