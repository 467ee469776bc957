"""One file a system, named after it, that reads like its paper."""
