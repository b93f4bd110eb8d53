"""Names of files that no library takes for anything but a name."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from tare.system.local.opened import regular

#: What every library takes literally: no pattern, no protocol, no option, no home folder, no sign of a URL.
_PLAIN = re.compile(r"[\w./ ,=@+()&'-]+", re.ASCII)
_SUFFIX = re.compile(r"(\.[A-Za-z0-9]{1,12}){0,2}$")


#: Endings of files that libraries look for beside a file: ENVI's header, GDAL's metadata, a database's log.
_BESIDE = (".hdr", ".aux.xml", ".wal")


@contextmanager
def plain_name(place: str) -> Iterator[str]:
    """An absolute name of a regular file or a folder, without signs that a library could interpret.

    Such signs are ``*?[]{}#%:~$``, control characters and bytes that are not UTF-8. It is the file's own name where that is
    plain, else that of a temporary link to it, with its ending. Raises OSError as :func:`tare.system.local.opened.regular` does.
    """
    absolute = os.path.abspath(place)
    if not os.path.isdir(absolute):
        regular(absolute)
    if (_PLAIN.fullmatch(absolute) and not absolute.startswith("/vsi")) or os.name == "nt":
        yield absolute
        return
    found = _SUFFIX.search(absolute)
    ending = found.group() if found else ""
    with tempfile.TemporaryDirectory(prefix="tare-") as folder:
        link = os.path.join(folder, "data")
        os.symlink(absolute, f"{link}{ending}")
        for beside in _BESIDE:
            for before, after in ((absolute, f"{link}{ending}"), (absolute.removesuffix(ending), link)):
                if os.path.exists(f"{before}{beside}") and not os.path.lexists(f"{after}{beside}"):
                    os.symlink(f"{before}{beside}", f"{after}{beside}")
        yield f"{link}{ending}"
