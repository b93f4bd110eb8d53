"""What mkdocs asks while it builds: the pages that are written from the program itself."""

from __future__ import annotations

import re
from pathlib import Path

from cli_page import cli_page
from codes_page import codes_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from notebook_page import notebook_page
from python_page import python_page


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put the generated pages in the place of those in the repository, which only say where to look in a checkout."""
    notebook = Path(config.docs_dir) / "notebook" / "quickstart.ipynb"
    pages = {
        "reference/cli.md": cli_page(),
        "reference/codes.md": codes_page(),
        "reference/python.md": python_page(),
        "notebook/quickstart.md": notebook_page(notebook),
    }
    for path, content in pages.items():
        placeholder = files.get_file_from_path(path)
        if placeholder is not None:
            files.remove(placeholder)
        files.append(File.generated(config, path, content=content))
    return files


def on_page_content(html: str, **_: object) -> str:
    """Docstrings name classes as Sphinx does; in Markdown the role's name would stand before them."""
    return re.sub(r":(?:class|func|mod|meth|attr):(?=<code>)", "", html)
