"""Measure any classifier of small images with a kit of networks and images that is made once."""
