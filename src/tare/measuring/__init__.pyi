from .api import measure as measure
