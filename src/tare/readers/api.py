"""``tare.spec``: :func:`tare.read_spec` under the name of the command."""

from tare.readers.table import read_spec

spec = read_spec
