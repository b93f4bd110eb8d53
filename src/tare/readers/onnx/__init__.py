"""Read what an ONNX model expects: its metadata, or the normalisation at the front of its graph."""
