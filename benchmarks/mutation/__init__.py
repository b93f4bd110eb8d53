"""Mutation testing of the numeric core: would its tests notice if one thing in it were wrong?

``python -m benchmarks.mutation`` changes one operator, comparison, constant, condition or return value of a module at a time
and runs that module's own tests. A mutant that they let pass is a survivor: a test is missing, or the change is none.
Tools for this exist; mutmut 3 leaves properties alone, which most figures here are, and cosmic-ray starts an interpreter
for every mutant, which with the libraries these tests load takes most of a day.
"""
