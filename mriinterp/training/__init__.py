"""Training: fits, folds, their measures, and the recipe of the demo network."""
