"""Training of classifiers: what differs from segmentation, behind :class:`edgewise.training.tasks.Classification`."""
