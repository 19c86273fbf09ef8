"""Imaging so far: what the record tells of earlier exams, as a small table and as a picture."""
