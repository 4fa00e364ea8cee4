"""Making pictures like those of a folder: a diffusion model, its training, its samples, how far they are from real ones."""
