"""Volumes of medicine: one volume a sample, read slice by slice."""
