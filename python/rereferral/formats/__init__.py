"""Files as others publish and hold them."""
