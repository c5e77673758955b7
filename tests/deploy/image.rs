//! The image of `deploy/Containerfile`, run as whoever runs containers would: its own command, as its own user,
//! on a root that cannot be written, with one volume for the state. `tests/deploy/container.sh` builds the
//! image and calls this.

use std::fs::{File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::clinic::{Clinic, eventually};
use crate::service::Service;
use crate::{private_ca, tls};

/// The image: its files, and what it says of how it is run.
struct Image {
    root: PathBuf,
    config: Value,
}

impl Image {
    fn built() -> Self {
        let variable =
            |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("tests/deploy/container.sh sets {name}"));
        let inspected: Value = serde_json::from_slice(&std::fs::read(variable("IMAGE_CONFIG")).unwrap()).unwrap();
        Self { root: PathBuf::from(variable("IMAGE_ROOT")), config: inspected["Docker"]["config"].clone() }
    }

    fn words(&self, key: &str) -> Vec<String> {
        self.config[key].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    }

    /// What the image is run for, without further words.
    fn command(&self) -> Vec<String> {
        [self.words("Entrypoint"), self.words("Cmd")].concat()
    }

    /// The health check, as a container's runtime runs it.
    fn health_check(&self) -> Vec<String> {
        let words: Vec<String> = self.config["Healthcheck"]["Test"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap().into())
            .collect();
        assert_eq!(words[0], "CMD");
        words[1..].to_vec()
    }
}

/// What stands outside the container and is mounted into it.
struct Mounts {
    config: PathBuf,
    state: PathBuf,
    /// In place of the certificates of the image.
    certificates: Option<PathBuf>,
}

impl Mounts {
    /// The clinic's directory as /etc/vetbridge, and a volume as a cluster makes it: it belongs to root and the
    /// pod's group, and the file system's own folder is in it.
    fn of(clinic: &Clinic) -> Self {
        let state = clinic.directory.path().join("volume");
        std::fs::create_dir_all(state.join("lost+found")).unwrap();
        chown(&state, Some(0), Some(10001)).unwrap();
        std::fs::set_permissions(&state, Permissions::from_mode(0o2775)).unwrap();
        std::fs::set_permissions(clinic.directory.path(), Permissions::from_mode(0o755)).unwrap();
        Self { config: clinic.directory.path().to_owned(), state, certificates: None }
    }

    /// A command in the image. The process that is spawned becomes the command's own.
    fn run(&self, image: &Image, words: &[String]) -> Command {
        let (root, user) = (image.root.display(), image.config["User"].as_str().unwrap());
        let certificates = self
            .certificates
            .as_ref()
            .map_or(String::new(), |instead| format!("mount --bind {} {root}/etc/ssl/certs\n", instead.display()));
        let script = format!(
            "set -e\nmount --make-rprivate /\nmount --bind {root} {root}\nmount -o remount,bind,ro {root}\n\
             mount --bind {config} {root}/etc/vetbridge\nmount -o remount,bind,ro {root}/etc/vetbridge\n\
             mount --bind {state} {root}/var/lib/vetbridge\n{certificates}\
             exec chroot --userspec={user} --groups= {root} \"$@\"",
            config = self.config.display(),
            state = self.state.display(),
        );
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script, "sh"]).args(words).env_clear();
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        command
    }

    /// Runs a command to its end: status, standard output, standard error.
    async fn ended(&self, image: &Image, words: &[&str]) -> (i32, String, String) {
        let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
        let mut command = self.run(image, &words);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

/// A clinic whose OpenVPMS is behind TLS with a private authority. What the state directory is called is what
/// differs between a container and a cluster.
async fn clinic(ca_file: Option<&str>, state: &str) -> Clinic {
    let clinic = Clinic::open().await;
    std::fs::copy(tls::fixture("ca.pem"), clinic.directory.path().join("clinic-ca.pem")).unwrap();
    let text = private_ca::configuration(&clinic, ca_file).await;
    clinic.write("vetbridge.toml", &text.replace("path = \"state\"", &format!("path = \"{state}\"")));
    clinic
}

/// Whose a process is, and what it may do that not every process may.
fn capabilities(process: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let lines = status.lines().filter(|line| line.starts_with("Uid:") || line.starts_with("CapEff:"));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("; ")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "tests/deploy/container.sh builds the image"]
async fn the_image_makes_a_booking_over_tls_as_a_user_without_rights_and_writes_its_volume_alone() {
    let image = Image::built();
    let clinic = clinic(Some("clinic-ca.pem"), "/var/lib/vetbridge/state").await;
    let mounts = Mounts::of(&clinic);
    let (status, out, error) = mounts.ended(&image, &["/usr/bin/vetbridge", "check"]).await;
    assert_eq!(status, 0, "{out}{error}");
    assert!(out.contains("takes the password"), "{out}");

    // The health check asks at the usual address; the test's service listens elsewhere, beside other tests.
    let address = format!("127.0.0.1:{}", clinic.port);
    let health: Vec<String> = image.health_check().into_iter().chain([address]).collect();
    let health: Vec<&str> = health.iter().map(String::as_str).collect();
    assert_eq!(mounts.ended(&image, &health).await.0, 1, "nothing runs yet");

    let service = Service::start_in(&clinic, mounts.run(&image, &image.command()), &mounts.state.join("state")).await;
    let uid = image.config["User"].as_str().unwrap().split(':').next().unwrap().to_owned();
    let (own, none) = (capabilities(service.process()), "CapEff: 0000000000000000");
    assert!(own.starts_with(&format!("Uid: {uid} {uid} {uid} {uid}")) && own.ends_with(none), "{own}");
    assert_ne!(uid, "0");
    eventually("it is in step", async || service.open("/readyz").await.status() == 200).await;
    let (status, out, error) = mounts.ended(&image, &health).await;
    assert_eq!((status, out.as_str()), (0, "The process works.\n"), "{error}");
    let booking = clinic.book("s136").await;
    eventually("the appointment stands", async || clinic.standing(booking) == 1).await;
    let (status, out, error) = mounts.ended(&image, &["/usr/bin/vetbridge", "bookings", "--json"]).await;
    assert!(status == 0 && out.contains(&booking.to_string()), "{out}{error}");
    let (status, backup, error) = mounts.ended(&image, &["/usr/bin/vetbridge", "state", "export"]).await;
    assert_eq!(status, 0, "{error}");

    // Nothing but the volume can be written, and the program never wanted to.
    for path in ["/etc/vetbridge/new", "/tmp/new", "/usr/bin/new", "/root-file"] {
        let (status, _, error) = mounts.ended(&image, &["/usr/bin/touch", path]).await;
        assert!(status != 0 && (error.contains("Read-only") || error.contains("Permission denied")), "{path}: {error}");
    }
    assert_eq!(mounts.ended(&image, &["/usr/bin/touch", "/var/lib/vetbridge/state/probe"]).await.0, 0);
    std::fs::remove_file(mounts.state.join("state/probe")).unwrap();
    assert!(!service.log().contains("\"level\":\"ERROR\""), "{}", service.log());
    service.stop().await;
    assert_eq!(mounts.ended(&image, &health).await.0, 1, "nothing runs any more");

    // The backup comes back through a container of the same volume, by its standard input.
    let file = clinic.directory.path().join("backup.jsonl");
    std::fs::write(&file, backup).unwrap();
    let words = ["/usr/bin/vetbridge", "state", "import", "--replace", "-"].map(str::to_owned);
    let mut import = mounts.run(&image, &words);
    import.stdin(File::open(&file).unwrap());
    let imported = tokio::task::spawn_blocking(move || import.output()).await.unwrap().unwrap();
    assert!(imported.status.success(), "{imported:?}");
    let (status, out, error) = mounts.ended(&image, &["/usr/bin/vetbridge", "bookings", "--json"]).await;
    assert!(status == 0 && out.contains(&booking.to_string()), "{out}{error}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "tests/deploy/container.sh builds the image"]
async fn the_image_has_authorities_without_which_nothing_starts_and_zone_data() {
    let image = Image::built();
    let mut clinic = clinic(None, "/var/lib/vetbridge/state").await;
    let mut mounts = Mounts::of(&clinic);
    // Without the clinic's authority the image's own count: they are there, and did not sign.
    let (status, out, _) = mounts.ended(&image, &["/usr/bin/vetbridge", "check"]).await;
    assert!(status == 1 && out.contains("nobody whom this machine trusts"), "{out}");
    assert!(mounts.ended(&image, &["/usr/bin/date", "+%Z"]).await.1.contains("UTC"));
    let zone = ["/usr/bin/env", "TZ=Australia/Sydney", "/usr/bin/date", "-d", "2027-01-01 00:00 UTC", "+%H:%M"];
    assert_eq!(mounts.ended(&image, &zone).await.1, "11:00\n");

    let none = clinic.directory.path().join("no-certificates");
    std::fs::create_dir(&none).unwrap();
    mounts.certificates = Some(none);
    clinic.port = 0;
    let mut command = mounts.run(&image, &image.command());
    let ended = tokio::task::spawn_blocking(move || command.output());
    let output = tokio::time::timeout(Duration::from_secs(30), ended).await.expect("it ends").unwrap().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains("No CA certificates were loaded"), "{error}");
}

#[test]
#[ignore = "tests/deploy/container.sh builds the image"]
fn the_image_has_no_file_that_anybody_may_change_and_a_state_directory_for_its_user_alone() {
    let image = Image::built();
    let mut folders = vec![image.root.clone()];
    let mut writable = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let mode = entry.metadata().unwrap().permissions().mode();
            if kind.is_dir() {
                folders.push(path.clone());
            }
            // Folders for everybody have the sticky bit.
            if !kind.is_symlink() && mode & 0o002 != 0 && mode & 0o1000 == 0 {
                writable.push(path);
            }
        }
    }
    assert!(writable.is_empty(), "anybody may change {writable:?}");
    let state = std::fs::metadata(image.root.join(Path::new("var/lib/vetbridge"))).unwrap();
    assert_eq!(state.permissions().mode() & 0o7777, 0o700);
    assert_eq!(format!("{}:{}", state.uid(), state.gid()), image.config["User"].as_str().unwrap());
    // What is lost where an archive keeps neither owners nor modes.
    let mode = |path: &str| std::fs::metadata(image.root.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("tmp"), mode("etc/shadow")), (0o1777, 0o640));
}
