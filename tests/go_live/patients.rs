//! Matching a booking to a patient of the practice.

use vetbridge::ids::BookingId;
use vetbridge::simulator::healthengine::{PetOwner, Wish};

use crate::clinic::{Clinic, PRACTICE, eventually};
use crate::service::Service;
use crate::world::id;

/// Customer 3 of the guide's clinic, whose phone the clinic wrote as 0418976543.
fn judith() -> PetOwner {
    PetOwner {
        first_name: Some("Judith".into()),
        last_name: Some("Bourke".into()),
        phone: Some("0418976543".into()),
        email: Some("judith@example.com".into()),
        ..PetOwner::default()
    }
}

/// Books tomorrow; when the appointment stands, tells which customer it is for.
async fn customer_of(clinic: &Clinic, owner: PetOwner, hour: u32) -> Option<i64> {
    let tomorrow = clinic.today().succ_opt().unwrap();
    let wish = Wish::new("s136", "66:s136", tomorrow.and_hms_opt(hour, 0, 0).unwrap());
    let booking = clinic.healthengine.book_regardless(&id(PRACTICE), wish.by(owner, "Limping")).unwrap();
    eventually("it is made", async || clinic.standing(booking) == 1).await;
    attached(clinic, booking)
}

fn attached(clinic: &Clinic, booking: BookingId) -> Option<i64> {
    clinic.appointments_of(booking)[0].customer.map(|customer| customer.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn patient_details_are_normalised_before_matching() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let typed = [
        ("  Judith ", "Bourke", "+61 418 976 543"),
        ("judith", "BOURKE", "(0418) 976-543"),
        ("Judith", "Bourke\u{a0}", "0418.976.543"),
        ("Judith", " Bourke", "61418976543"),
        ("J&#117;dith", "Bourke&nbsp;", "418976543"),
        ("\u{202e}Judith\u{202c}", "Bourke", "418 976 543"),
    ];
    for (hour, (first, last, phone)) in (9..).zip(typed) {
        let owner = PetOwner {
            first_name: Some(first.into()),
            last_name: Some(last.into()),
            phone: Some(phone.into()),
            ..PetOwner::default()
        };
        assert_eq!(customer_of(&clinic, owner, hour).await, Some(3), "{first:?} {last:?} {phone:?}");
    }
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_who_has_changed_contact_details_or_is_misspelt_is_still_matched() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    clinic.openvpms.staff(|world| world.customers[0].emails.push("judith@example.com".into()));
    assert_eq!(customer_of(&clinic, judith(), 9).await, Some(3));
    eventually("she is remembered", async || clinic.state().join("client-memory-key").exists()).await;
    let misspelt = PetOwner { first_name: Some("Jduith".into()), last_name: Some("Burke".into()), ..judith() };
    assert_eq!(customer_of(&clinic, misspelt, 10).await, Some(3));
    let another_phone = PetOwner { phone: Some("0491 570 006".into()), ..judith() };
    assert_eq!(customer_of(&clinic, another_phone, 11).await, Some(3));
    let another_email = PetOwner { email: Some("j.b@example.org".into()), ..judith() };
    assert_eq!(customer_of(&clinic, another_email, 12).await, Some(3));
    // Who shares her phone is somebody else.
    let spouse = PetOwner { first_name: Some("Peter".into()), ..judith() };
    assert_eq!(customer_of(&clinic, spouse, 13).await, None);
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}
