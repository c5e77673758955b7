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
        let sources = words[..words.len() - 1].iter().filter(|word| !word.starts_with("--"));
        sources.map(PathBuf::from).collect::<Vec<_>>()
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
fn what_a_containerfile_copies_is_what_its_ignore_file_lets_through() {
    for containerfile in ["deploy/Containerfile", "deploy/wireguard/Containerfile"] {
        let ignore = file(&format!("{containerfile}.dockerignore"));
        let let_through: BTreeSet<_> =
            ignore.lines().filter_map(|line| line.strip_prefix('!')).map(PathBuf::from).collect();
        assert_eq!(let_through, copied(&file(containerfile)).into_iter().collect(), "{containerfile}");
        assert!(ignore.lines().any(|line| line == "*"), "{ignore}");
    }
}

#[test]
fn the_secrets_of_the_compose_file_are_kept_out_of_git_and_of_what_is_released() {
    let ignored = file(".gitignore");
    for secret in ["deploy/config", "deploy/wireguard/wg0.conf"] {
        assert!(
            file("deploy/compose.yaml").contains(secret) && ignored.contains(&format!("\n/{secret}\n")),
            "{secret}"
        );
    }
    // A whole folder would have the key in it that git ignores.
    let manifest = file("Cargo.toml");
    assert!(manifest.contains("\"deploy/wireguard/wg0.example.conf\"") && !manifest.contains("deploy/wireguard/*"));
    let copies = file("deploy/release.sh");
    let copies: Vec<_> = copies.lines().filter(|line| line.contains("cp ") && line.contains("wireguard")).collect();
    assert!(copies.len() == 1 && copies[0].contains("cp deploy/wireguard/{Containerfile,"), "{copies:?}");
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
