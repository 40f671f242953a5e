"""The toy cube of II-A and the spheres of II-B."""
