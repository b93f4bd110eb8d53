"""What changes objects in place, so that everybody who holds them sees it."""
