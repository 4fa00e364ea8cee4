"""Formulas found on the rows themselves, without a network: sums of products, ratios, and functions of both."""
