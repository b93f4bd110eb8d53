"""False alarms and detections of ``tare.watch`` on real images."""
