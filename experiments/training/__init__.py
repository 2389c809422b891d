"""Training: network, recipe, crop and flip, files of trained networks."""
