"""The tasks of studies: pairs of datasets with their networks and shifts."""
