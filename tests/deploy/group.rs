//! The scripts that docs/many-clinics.md has for a group of clinics, as the page has them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::file;

/// The block of the page that begins with this text.
fn block(start: &str) -> String {
    let page = file("docs/many-clinics.md");
    let mut blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.find(|block| block.starts_with(start)).expect(start).to_owned()
}

/// What the script prints in this folder, and its exit status. Programs of the folder go before those of the machine.
fn run(script: &str, folder: &Path) -> (String, Option<i32>) {
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let ran = Command::new("sh").arg("-c").arg(script).current_dir(folder).env("PATH", path).output().unwrap();
    (String::from_utf8(ran.stdout).unwrap(), ran.status.code())
}

#[test]
fn an_id_that_stands_in_two_files_is_found_however_it_is_written() {
    let folder = TempDir::new().unwrap();
    let script = block("grep -rhE");
    let write = |name: &str, text: &str| {
        fs::create_dir_all(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("vetbridge.toml"), text).unwrap();
    };
    write("east", "[[practice]]\nid = \"1\"\nlocations = [98]\n[[practice]]\nid = \"2\"\n");
    write("west", "[[practice]]\nid = \"3\"\n[practice.live_hours]\n");
    fs::write(folder.path().join("notes.toml"), "id = \"1\"\n").unwrap();
    assert_eq!(run(&script, folder.path()).0, "");
    for line in ["id = \"1\"", "id=\"1\"", "  id = '1'", "\tid  =  \"1\" # as \"east\"", "\"id\" = '1'"] {
        write("west", &format!("[[practice]]\n{line}\n"));
        assert_eq!(run(&script, folder.path()).0, "1\n", "{line}");
    }
}

#[test]
fn a_backup_that_is_missing_fails_the_nights_job_and_so_does_a_night_without_clinics() {
    let folder = TempDir::new().unwrap();
    let script = block("umask 077");
    // In the place of the cluster: the clinics of a file, of which one that is away answers nothing.
    let kubectl = folder.path().join("kubectl");
    fs::write(
        &kubectl,
        "#!/bin/sh\ncase \"$*\" in\n\"get namespaces \"*) cat clinics ;;\n*away*) exit 1 ;;\n\
         \"exec --namespace \"*\" vetbridge-0 -- vetbridge state export\") echo \"$3\" ;;\n*) exit 9 ;;\nesac\n",
    )
    .unwrap();
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
    for (clinics, printed, status) in [
        ("east west", "", 0),
        ("east away west", "no backup of away\n", 1),
        ("", "no backup at all: no namespace has the label\n", 1),
    ] {
        fs::write(folder.path().join("clinics"), clinics).unwrap();
        assert_eq!(run(&script, folder.path()), (printed.to_owned(), Some(status)), "{clinics}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("west.jsonl")).unwrap(), "west\n");
    assert!(!folder.path().join("away.jsonl").exists());
}
