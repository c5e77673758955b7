//! Power cuts: the state is on an ext4 in a file. The process is frozen in the middle of its work,
//! the file is copied as the disk would be at that moment, without what only the kernel's memory
//! holds, and the next process starts on the copy.

use std::path::PathBuf;
use std::process::Command;

use crate::clinic::Clinic;
use crate::disks::{Mounted, make_ext4};
use crate::rounds::{Disaster, Rounds, number};
use crate::service::Service;

struct PowerCut {
    mounted: Option<Mounted>,
    images: u32,
    directory: PathBuf,
}

impl PowerCut {
    fn on(clinic: &Clinic) -> Self {
        let directory = clinic.directory.path().to_owned();
        let image = directory.join("disk-0.img");
        make_ext4(&image, 48);
        let mounted = Mounted::ext4(&image, &clinic.state());
        Self { mounted: Some(mounted), images: 0, directory }
    }

    fn image(&self) -> PathBuf {
        self.directory.join(format!("disk-{}.img", self.images))
    }
}

impl Disaster for PowerCut {
    async fn strike(&mut self, clinic: &Clinic, mut service: Service) {
        // Nothing may happen outside between the copy and the end. The kernel goes on with what it was told.
        service.signal("STOP");
        let before = self.image();
        self.images += 1;
        let after = self.image();
        let copied = Command::new("cp").arg("--sparse=always").args([&before, &after]).status().unwrap();
        assert!(copied.success());
        service.signal("KILL");
        service.gone().await;
        drop(self.mounted.take());
        std::fs::remove_file(before).unwrap();
        self.mounted = Some(Mounted::ext4(&after, &clinic.state()));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root and loop devices: run tests/power_cut.sh"]
async fn a_power_cut_at_any_moment_loses_no_booking_and_doubles_none() {
    let clinic = Clinic::open().await;
    let mut cut = PowerCut::on(&clinic);
    let mut rounds = Rounds::begin(clinic).await;
    for _ in 0..number("CUTS", 5) {
        rounds.play(&mut cut).await;
    }
    rounds.end("power cuts").await;
}
