"""An exported folder uploaded to the Hugging Face hub; done only if it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tare.errors import OutputError, SpecError, reason_of, shell_word
from tare.system.optional import require
from tare.system.quiet import quietly

_CARD = "README.md"
_FENCE = "```python\n"


def check_push(repository: str, form: str, *, is_folder: bool) -> None:
    """Raise :class:`SpecError` for an export that is no folder, or for a name that no repository of the hub can have."""
    if not is_folder:
        raise SpecError("--push with a folder of hf, timm or safetensors", f"it with a file of {form!r}", "leave it out")
    names = require("huggingface_hub.utils", extra="hf", purpose="--push")
    try:
        names.validate_repo_id(repository)
    except ValueError:
        remedy = "use letters, digits, '-', '_' and '.', at most 96, and no '--', '..' or '.git'"
        raise SpecError("a repository OWNER/NAME for --push", repr(repository), remedy) from None


def name_repository(folder: Path, repository: str) -> None:
    """Let the code in the folder's card load the repository, not the place-holder ``DIR``."""
    card = (folder / _CARD).read_text(encoding="utf-8")
    before, fence, after = card.partition(_FENCE)
    code, end, rest = after.partition("\n```")
    named = code.replace('"DIR"', f'"{repository}"')
    (folder / _CARD).write_text(before + fence + named + end + rest, encoding="utf-8")


def pushed(folder: Path, repository: str) -> str:
    """Upload every file of the folder in one commit, and return the commit's address.

    A repository that is not there is made, and is private; one that is there keeps its visibility and its other files.

    Raises :class:`OutputError` if the hub refuses or cannot be reached; the folder stays as it is.
    """
    try:
        with quietly():
            hub = hub_client()
            hub.create_repo(repository, repo_type="model", private=True, exist_ok=True)
            commit = hub.upload_folder(
                repo_id=repository, repo_type="model", folder_path=str(folder), commit_message="Exported by tare"
            )
    except Exception as error:  # the hub's own errors, and those of whichever HTTP client it uses today
        reason = reason_of(error, 200) or type(error).__name__
        again = f"hf upload {repository} {shell_word(folder)}"
        remedy = f"the folder is complete: check the name, the login (hf auth login) and the connection, then run: {again}"
        raise OutputError(f"an upload to {repository!r} on the hub", reason, remedy) from None
    return str(commit.commit_url)


def hub_client() -> Any:
    """The hub's own client, with the login and the address that the user has set for it."""
    from huggingface_hub import HfApi

    return HfApi()
