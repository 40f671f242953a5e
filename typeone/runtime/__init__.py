"""Infrastructure of every job: artifacts, checkpoints, devices, logs, errors."""
