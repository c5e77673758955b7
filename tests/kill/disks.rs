//! Disks of their own, mounted for a test: a loop-mounted ext4 image, or a small tmpfs. Both need root.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system mounted on a directory; unmounted when it is dropped.
pub(crate) struct Mounted {
    place: PathBuf,
}

impl Mounted {
    pub(crate) fn ext4(image: &Path, place: &Path) -> Self {
        std::fs::create_dir_all(place).unwrap();
        root(&["mount", "-o", "loop", path(image), path(place)]);
        Self { place: place.to_owned() }
    }

    pub(crate) fn tmpfs(size: &str, place: &Path) -> Self {
        std::fs::create_dir_all(place).unwrap();
        root(&["mount", "-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs", path(place)]);
        Self { place: place.to_owned() }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // The process that had files open there is gone; the kernel may need a moment to know.
        for _ in 0..50 {
            if Command::new("umount").arg(&self.place).status().is_ok_and(|status| status.success()) {
                return;
            }
            wait(20);
        }
        eprintln!("{} stays mounted", self.place.display());
    }
}

#[expect(clippy::disallowed_methods, reason = "outside of async code, while the kernel lets go of a file system")]
fn wait(milliseconds: u64) {
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
}

/// An empty ext4 of so many megabytes in a file.
pub(crate) fn make_ext4(image: &Path, megabytes: u64) {
    std::fs::File::create(image).unwrap().set_len(megabytes * 1024 * 1024).unwrap();
    root(&["mkfs.ext4", "-q", "-F", path(image)]);
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs what only root may.
fn root(command: &[&str]) {
    let ended = Command::new(command[0]).args(&command[1..]).output();
    let ended = ended.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(ended.status.success(), "{command:?} (this needs root): {}", String::from_utf8_lossy(&ended.stderr));
}
