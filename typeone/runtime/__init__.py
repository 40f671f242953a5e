"""What every job needs: artifacts, checkpoints, devices, logs, errors."""
