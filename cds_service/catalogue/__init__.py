"""A hospital's own exam catalogue: read, proposed row by row, and written as sheets for a person to approve."""
