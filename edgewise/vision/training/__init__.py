"""Runs, whatever is trained: recipes, folders, the loop, what goes on from them. It knows no task."""
