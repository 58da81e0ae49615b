"""A package, so that the fleet its tests share ends with the last of them."""
