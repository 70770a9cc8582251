"""Takes along what the pages link to outside of docs/, so that the same links work on GitHub and in the site.

Each such file has the same path in the site as in the repository: `../benchmarks/LOG.md` becomes `benchmarks/LOG/`.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

LINK = re.compile(r"(?<=\]\()(?!\w+:|#)(?P<path>[^)#\s]+)(?P<anchor>#[^)]*)?(?=\))")
DOCS = "docs"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every file outside of docs/ that a page links to, and what those link to."""
    root = Path(config.config_file_path).parent
    waiting = [f"{DOCS}/{file.src_uri}" for file in files.documentation_pages()]
    seen = set(waiting)
    while waiting:
        page = waiting.pop()
        for target in linked_files(page, (root / page).read_text("utf-8")):
            if target in seen or is_in_docs(target) or not (root / target).is_file():
                continue
            seen.add(target)
            files.append(
                File.generated(config, target, abs_src_path=str(root / target), inclusion=InclusionLevel.NOT_IN_NAV)
            )
            if target.endswith(".md"):
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 MkDocs names them
    """Point links at the paths in the site."""
    uri = page.file.src_uri
    source = f"{DOCS}/{uri}" if (Path(config.docs_dir) / uri).is_file() else uri

    def in_site(found: re.Match[str]) -> str:
        target = site_path(resolve(source, found["path"]))
        relative = posixpath.relpath(target, posixpath.dirname(uri) or ".")
        return relative + (found["anchor"] or "")

    return LINK.sub(in_site, markdown)


def linked_files(page: str, markdown: str) -> list[str]:
    """Paths in the repository of all that a page, itself a path in the repository, links to."""
    return [resolve(page, found["path"]) for found in LINK.finditer(markdown)]


def resolve(page: str, link: str) -> str:
    """Path in the repository of a relative link on a page."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), link))


def is_in_docs(path: str) -> bool:
    """Whether a path in the repository lies in docs/."""
    return PurePosixPath(path).parts[:1] == (DOCS,)


def site_path(path: str) -> str:
    """Path in the site's sources of a path in the repository."""
    return posixpath.relpath(path, DOCS) if is_in_docs(path) else path
