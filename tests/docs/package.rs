//! The package is installed by its own name: apt takes whichever file of a pattern comes last in the alphabet.

use std::path::Path;

use super::page::Page;
use super::{ROOT, pages};

const INSTALLED: &str = "apt install ./";

#[test]
fn the_pages_install_the_package_by_its_name_and_the_first_of_them_that_of_this_version() {
    let changelog = std::fs::read_to_string(Path::new(ROOT).join("deploy/debian/changelog")).unwrap();
    let version = changelog.split(['(', ')']).nth(1).unwrap();
    let install = Page::read(Path::new("docs/tasks/install.md"));
    assert!(install.text.contains(&format!("{INSTALLED}vetbridge_{version}_amd64.deb\n")), "{version}");
    for page in pages() {
        for command in page.text.lines().filter(|line| line.contains("apt") && line.contains(".deb")) {
            assert!(!command.contains('*'), "{}: {command}", page.path.display());
        }
    }
}
