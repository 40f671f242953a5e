"""Labels that people give to images, and the agreement between people."""
