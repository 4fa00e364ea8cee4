"""Finding the class of each pixel: recipes, training, scores, predictions and reports."""
