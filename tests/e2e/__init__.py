"""A package, so that the demo its tests share ends with the last of them."""
