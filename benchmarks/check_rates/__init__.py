"""How often ``tare check`` is wrong: on correct pipelines, and on pipelines with one known mistake."""
