"""Shapes of the images, and the classes of faces; this module imports nothing."""

DIGIT_SHAPE = (1, 28, 28)
"""Channels, height and width of a digit."""

FACE_SHAPE = (3, 64, 64)
"""Channels, height and width of a face."""

FEMALE, MALE = 0, 1
