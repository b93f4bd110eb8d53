"""Our specification against each library's own preprocessing, for everything that the library lists."""
