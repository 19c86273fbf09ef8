"""One step a file, named by the version it leads to; the last one is the version of this release."""
