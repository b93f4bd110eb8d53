"""False alarms, delays and recovered constants of ``tare.Monitor``."""
