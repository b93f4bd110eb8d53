"""Which modules code of the user's finds when it imports others."""
