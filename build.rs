//! Tells the program which commit it is built from, and the linker to pack relocations.
//!
//! `VETBRIDGE_COMMIT` says it where there is no repository, as in a container. Else a release build
//! asks git. Other builds do not: each commit would have all tests compiled anew.

#![allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

use std::env::var_os;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=VETBRIDGE_COMMIT");
    let given = var_os("VETBRIDGE_COMMIT").and_then(|commit| commit.into_string().ok());
    let given = given.filter(|commit| commit.chars().all(|c| c.is_ascii_alphanumeric()) && !commit.is_empty());
    let is_release = var_os("PROFILE").is_some_and(|profile| profile == "release");
    let commit = given.or_else(|| is_release.then(commit_of_the_repository).flatten());
    println!("cargo::rustc-env=VETBRIDGE_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
    let target = ["OS", "ENV", "ARCH"].map(|part| var_os(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default());
    // A megabyte less. glibc knows them packed from 2.36 on, which is that of Debian 12.
    if is_release && target == ["linux", "gnu", "x86_64"] {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Nothing for sources that were unpacked inside somebody else's repository.
fn commit_of_the_repository() -> Option<String> {
    let own = Path::new(&var_os("CARGO_MANIFEST_DIR")?).canonicalize().ok()?;
    let top = Path::new(&git(&["rev-parse", "--show-toplevel"])?).canonicalize().ok()?;
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    git(&["rev-parse", "--short=12", "HEAD"]).filter(|_| own == top)
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
