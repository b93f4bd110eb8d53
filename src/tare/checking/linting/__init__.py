"""The habits of a linter around the findings about files: settings, selection, baseline, cache, fixes."""
