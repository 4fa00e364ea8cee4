"""What is measured of a segmentation: of one case, and of many; in two dimensions and in three."""
