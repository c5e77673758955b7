#!/usr/bin/env python3
"""Follows every relative link of the pages below a folder, as they are installed or packed: links.py FOLDER [--root FOLDER]

An absolute one, such as to a licence that the system has, is followed in the root that is named. tests/docs looks at the
repository's own pages, and at their headings.
"""

import pathlib
import re
import sys


def main():
    folder = pathlib.Path(sys.argv[1])
    root = pathlib.Path(sys.argv[3]) if sys.argv[2:3] == ["--root"] else folder
    pages, links, broken = sorted(folder.rglob("*.md")), 0, []
    for page in pages:
        # Code has brackets too.
        text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
        for link in re.findall(r"\]\(([^)#]+)", text):
            if "://" in link or link.startswith("mailto:"):
                continue
            links += 1
            if not (root / link[1:] if link.startswith("/") else page.parent / link).exists():
                broken.append(f"{page.relative_to(folder)}: {link}")
    for line in broken:
        print(f"leads nowhere: {line}", file=sys.stderr)
    print(f"{links} links of {len(pages)} pages")
    return 1 if broken or links < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
