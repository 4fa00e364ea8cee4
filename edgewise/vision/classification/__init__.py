"""Naming the class of a picture: recipes, training, scores, predictions and reports."""
