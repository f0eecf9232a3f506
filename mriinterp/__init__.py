"""mriinterp: relevance maps for 3D convolutional networks that read brain MRI."""

__version__ = "0.1.0"
