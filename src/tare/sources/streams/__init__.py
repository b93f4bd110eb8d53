"""Recordings and videos, decoded as a stream."""
