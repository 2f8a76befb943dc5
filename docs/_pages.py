"""Pages of the web site that lie outside this folder: README.md and REPRODUCTION.md, with their pictures."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
# mkdocs takes a README.md for the home page
PAGES = {"README.md": "about.md", "REPRODUCTION.md": "reproduction.md"}
_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and every picture that one of them shows."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
        for link in _LINK.finditer(text):
            target = link["target"]
            if link["picture"] and files.get_file_from_path(target) is None:
                files.append(File.generated(config, target, abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to the site's own pages; what a checkout alone has is named without a link."""

    def rewritten(link: re.Match[str]) -> str:
        path, hash_, anchor = link["target"].partition("#")
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), path))
        if path and files.get_file_from_path(beside):
            return link[0]
        target = path.removeprefix("../").removeprefix("docs/")
        target = PAGES.get(target, target)
        if not path or "://" in path or files.get_file_from_path(target):
            return f"{link['picture']}[{link['text']}]({target}{hash_}{anchor})"
        return link["text"]

    return _LINK.sub(rewritten, markdown)
