"""Digits and faces: sources, tables and augmentation."""
