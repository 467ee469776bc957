"""The pictures of the lessons, one file a system: long drawing code stays out of the notebooks."""
