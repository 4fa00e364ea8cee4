"""Scans seen slice by slice, by networks of pictures."""
