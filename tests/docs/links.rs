//! Links: they lead to files and headings that exist, and README leads to every page. What the package and the tar have of
//! them is followed where it lies there, by `tests/deploy/links.py`.

use std::path::Path;

use super::page::Page;
use super::{ROOT, pages};

const README_LINES_MAX: usize = 160;

impl Page {
    /// Relative links that lead nowhere.
    fn broken_links(&self) -> Vec<String> {
        let root = Path::new(ROOT).canonicalize().unwrap();
        let folder = root.join(self.path.parent().unwrap());
        let leads_somewhere = |link: &str| {
            let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
            let file = if file.is_empty() { root.join(&self.path) } else { folder.join(file) };
            // A link out of the repository leads nowhere for everybody else.
            let Ok(file) = file.canonicalize() else { return false };
            let Ok(file) = file.strip_prefix(&root) else { return false };
            let has = |anchor: &str, page: &Self| page.anchors().iter().any(|known| known == anchor);
            match anchor {
                None => true,
                Some(anchor) if file == self.path => has(anchor, self),
                Some(anchor) => has(anchor, &Self::read(file)),
            }
        };
        let relative = self.links().filter(|link| !link.contains("://"));
        relative.filter(|link| !leads_somewhere(link)).map(|link| format!("{}: {link}", self.path.display())).collect()
    }
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let broken: Vec<_> = pages().iter().flat_map(Page::broken_links).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let text = "# Top\n[a](missing.md) [b](../README.md#install) [c](../README.md#nothing) [`d`](#top) [e](#bottom)\n\
        [f](https://example.com) [g](../../etc) `[h](no-link.md)`\n## Top\n[i](#top-1) \
        [j](#top-2)\n```\n[k](code.md)\n```\n";
    let broken = Page::new("docs/go-live.md", text).broken_links();
    let expected = ["missing.md", "../README.md#nothing", "#bottom", "../../etc", "#top-2"];
    assert_eq!(broken, expected.map(|link| format!("docs/go-live.md: {link}")));
}

#[test]
fn the_readme_is_a_page_that_leads_to_all_others() {
    let readme = Page::read(Path::new("README.md"));
    let lines = readme.text.lines().count();
    assert!(lines <= README_LINES_MAX, "README.md has {lines} lines");
    let tasks = Page::read(Path::new("docs/tasks/README.md"));
    for page in pages().iter().filter(|page| page.path != readme.path) {
        let by_readme = readme.links().any(|link| Path::new(link) == page.path);
        let by_tasks = tasks.links().any(|link| Path::new("docs/tasks").join(link) == page.path);
        assert!(by_readme || by_tasks, "neither README.md nor docs/tasks/README.md links {:?}", page.path);
    }
}
