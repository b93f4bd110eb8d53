"""Files of this machine as data: opened in one way, checked before and after, never mapped into memory."""
