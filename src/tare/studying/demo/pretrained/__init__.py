"""A real pretrained network, fed rightly and wrongly."""
