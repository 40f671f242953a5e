"""What people see in images, and how far they agree."""
