//! The image is built from what `deploy/Containerfile` copies: all that the build reads has to be among it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{ROOT, file};

/// What the first stage copies, from the repository.
fn copied(containerfile: &str) -> Vec<PathBuf> {
    let copies = containerfile.lines().filter_map(|line| line.strip_prefix("COPY "));
    let sources = copies.filter(|words| !words.starts_with("--from")).flat_map(|words| {
        let words: Vec<_> = words.split_whitespace().collect();
        words[..words.len() - 1].iter().map(PathBuf::from).collect::<Vec<_>>()
    });
    sources.collect()
}

/// What the build of the program reads: cargo's files, the benchmarks that Cargo.toml names, and the sources
/// with what they include. Tests inside the sources are not compiled there.
fn read_by_the_build() -> BTreeSet<PathBuf> {
    let mut read: BTreeSet<_> = ["Cargo.toml", "Cargo.lock", "build.rs"].map(PathBuf::from).into();
    let manifest: toml::Table = file("Cargo.toml").parse().unwrap();
    for bench in manifest["bench"].as_array().unwrap() {
        let name = bench["name"].as_str().unwrap();
        let places = [format!("benches/{name}.rs"), format!("benches/{name}/main.rs")];
        read.extend(places.into_iter().map(PathBuf::from).filter(|path| Path::new(ROOT).join(path).exists()));
    }
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(Path::new(ROOT).join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if Path::new(ROOT).join(&path).is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
                let text = file(path.to_str().unwrap());
                let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                read.extend(included(product).map(|name| normal(&folder.join(name))));
            }
            read.insert(path);
        }
    }
    read
}

/// The files that a source includes, as it names them.
fn included(source: &str) -> impl Iterator<Item = &str> {
    let macros = ["include_str!(\"", "include_bytes!(\"", "include!(\""];
    macros.into_iter().flat_map(|name| source.split(name).skip(1)).filter_map(|rest| rest.split('"').next())
}

/// The path without `..`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut so_far, part| {
        if part.as_os_str() == ".." {
            so_far.pop();
        } else {
            so_far.push(part);
        }
        so_far
    })
}

#[test]
fn the_containerfile_copies_all_that_the_build_reads() {
    let copied = copied(&file("deploy/Containerfile"));
    let read = read_by_the_build();
    assert!(read.len() > 100 && read.contains(Path::new("config/vetbridge.example.toml")), "{read:?}");
    let missing: Vec<_> = read.iter().filter(|path| !copied.iter().any(|copy| path.starts_with(copy))).collect();
    assert!(missing.is_empty(), "deploy/Containerfile does not copy {missing:?}");
    let absent: Vec<_> = copied.iter().filter(|path| !Path::new(ROOT).join(path).exists()).collect();
    assert!(absent.is_empty(), "deploy/Containerfile copies what is not there: {absent:?}");
}

#[test]
fn what_the_containerfile_copies_is_what_its_ignore_file_lets_through() {
    let ignore = file("deploy/Containerfile.dockerignore");
    let let_through: BTreeSet<_> =
        ignore.lines().filter_map(|line| line.strip_prefix('!')).map(PathBuf::from).collect();
    assert_eq!(let_through, copied(&file("deploy/Containerfile")).into_iter().collect());
    assert!(ignore.lines().any(|line| line == "*"), "{ignore}");
}

#[test]
fn base_images_are_pinned_by_digest_and_compile_with_the_oldest_rust_that_is_allowed() {
    let containerfile = file("deploy/Containerfile");
    let images: Vec<_> =
        containerfile.lines().filter_map(|line| line.strip_prefix("ARG ")?.split_once("_IMAGE=")).collect();
    assert_eq!(images.len(), 2, "{images:?}");
    for (name, image) in &images {
        let digest = image.split_once("@sha256:").map(|(_, digest)| digest).unwrap_or_default();
        assert!(digest.len() == 64 && digest.chars().all(|c| c.is_ascii_hexdigit()), "{name}: {image}");
    }
    let rust = images.iter().find(|(name, _)| *name == "RUST").unwrap().1;
    let version = rust.split(':').nth(1).unwrap().split('-').next().unwrap();
    let manifest: toml::Table = file("Cargo.toml").parse().unwrap();
    let numbers = |text: &str| text.split('.').map(|part| part.parse().unwrap()).collect::<Vec<u32>>();
    assert!(numbers(version) >= numbers(manifest["package"]["rust-version"].as_str().unwrap()), "{version}");
}
