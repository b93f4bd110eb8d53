"""What ``tare check`` finds in whole repositories: counts by code, and how many labelled mistakes are among them."""
