//! What `check` says of the rules of the offer.

use super::tests::{check, config, practice, problems, resource};
use crate::cli::fakes::{FakeHealthengine, FakeOpenVpms};
use crate::findings::report::{Level, Report};
use crate::ids::{AppointmentTypeId, ScheduleId};
use crate::openvpms::AppointmentType;

/// The clinic, with a dental appointment on schedule 211 alone.
fn clinic_with_dental() -> FakeOpenVpms {
    let mut openvpms = FakeOpenVpms::open_clinic();
    let dental = AppointmentType { id: AppointmentTypeId(63), name: "Dental".into(), slots: 2 };
    openvpms.types.entry(ScheduleId(211)).or_default().push(dental);
    openvpms
}

/// A practice with everything that OpenVPMS has, and these rules.
async fn with_rules(openvpms: &FakeOpenVpms, rules: &[&str]) -> Report {
    with_rules_of(&practice(1, "[98]", ""), openvpms, rules).await
}

async fn with_rules_of(practice: &str, openvpms: &FakeOpenVpms, rules: &[&str]) -> Report {
    let rules: String = rules.iter().map(|lines| format!("[[practice.rule]]\n{lines}\n")).collect();
    check(&config(&(practice.to_owned() + &rules)), openvpms, |_| FakeHealthengine::default()).await
}

/// `place: message` of the notes that contain this.
fn notes_about(report: &Report, part: &str) -> Vec<String> {
    let notes = report.findings.iter().filter(|own| own.level == Level::Note && own.message.contains(part));
    notes.map(|own| format!("{}: {}", own.place, own.message)).collect()
}

#[tokio::test]
async fn rules_that_leave_nothing_and_rules_about_what_is_not_there_are_found() {
    let listed = practice(1, "[98]", "") + &resource("schedule = 136") + &resource("user = 1158\nschedule = 211");
    let with = async |practice: &str, rules: &[&str]| {
        problems(&with_rules_of(practice, &FakeOpenVpms::open_clinic(), rules).await)
    };
    assert_eq!(with(&listed, &["hours = [\"09:00-12:00\"]", "keep_free = 2", "max_per_day = 1"]).await, [""; 0]);
    let one = with(&listed, &["keep_free = 1", "resources = [\"s136\"]\nmin_notice = \"100d\""]).await;
    let told = "practice 1 resource s136: Rule 2 (min_notice) leaves no time of s136 (Main) to book in the next 60 days, \
                although the diary has some free";
    assert_eq!(one, [told]);
    let together = with(&listed, &["hours = [\"09:00-12:00\"]", "hours = [\"13:00-17:00\"]"]).await;
    assert_eq!(together.len(), 2, "{together:?}");
    let told = "practice 1 resource u1158-s211: What the practice's rules say together, rule 1 (hours) and rule 2 (hours), \
                leaves no time of";
    assert!(together[1].starts_with(told), "{together:?}");
    let all = practice(1, "[98]", "");
    let absent = with(&all, &["keep_free = 1", "resources = [\"s999\", \"s136\"]\ntypes = [7]\nkeep_free = 1"]).await;
    let told = "practice 1: Rule 2 names resource s999 and appointment type 7, which the practice does not offer";
    assert_eq!(absent, [told]);
    let of_nobody = with(&all, &["resources = [\"s998\", \"s999\"]\ntypes = [66]\nkeep_free = 1"]).await;
    let told = "practice 1: Rule 1 names resources s998 and s999, which the practice does not offer";
    assert_eq!(of_nobody, [told], "other resources offer 66");
}

#[tokio::test]
async fn a_rule_about_a_type_that_only_other_resources_offer_is_told_as_that() {
    let found = |rule: &'static str| async move { problems(&with_rules(&clinic_with_dental(), &[rule]).await) };
    let told = "practice 1: Rule 1 names appointment type 63, which none of its resources offers, only others of the \
                practice";
    assert_eq!(found("resources = [\"s136\"]\ntypes = [63, 66]\nkeep_free = 1").await, [told]);
    assert_eq!(found("resources = [\"s136\", \"s211\"]\ntypes = [63, 66]\nkeep_free = 1").await, [""; 0]);
    assert_eq!(found("types = [63, 66]\nkeep_free = 1").await, [""; 0]);
}

#[tokio::test]
async fn rules_that_leave_nothing_of_a_type_are_noted_with_the_resource_and_the_type() {
    let rules = ["hours = [\"09:00-12:00\"]", "types = [63]\nhours = [\"13:00-14:00\"]"];
    let report = with_rules(&clinic_with_dental(), &rules).await;
    assert_eq!(problems(&report), [""; 0]);
    let told = "practice 1 resource s211: What the practice's rules say together, rule 1 (hours) and rule 2 (hours), \
                leaves no time for appointment type 63 (Dental) of s211 (Surgery) in the next 60 days, although the \
                diary has some free";
    assert_eq!(notes_about(&report, "appointment type 63"), [told]);
    let alone = with_rules(&clinic_with_dental(), &["types = [63]\nmin_notice = \"100d\""]).await;
    assert!(
        notes_about(&alone, "Rule 1 (min_notice) leaves no time for appointment type 63 (Dental)").len() == 1,
        "{alone}"
    );
    // Of a resource without any time the types are not told one by one.
    let nothing = with_rules(&clinic_with_dental(), &["min_notice = \"100d\""]).await;
    assert_eq!((nothing.problems(), notes_about(&nothing, "no time for").len()), (2, 0), "{nothing}");
}

#[tokio::test]
async fn rules_that_close_a_day_of_the_week_are_noted_and_a_short_horizon_is_not() {
    const NONE_ON: &str = "no time of s136 (Main) on";
    let report = with_rules(&clinic_with_dental(), &["days = [\"monday\", \"friday\"]\nkeep_free = 200"]).await;
    let told = "practice 1 resource s136: Rule 1 (keep_free) leaves no time of s136 (Main) on Mondays and Fridays, although \
                the diary has some free";
    assert_eq!((problems(&report), notes_about(&report, NONE_ON)), (Vec::new(), vec![told.to_owned()]));
    for rule in ["days = [\"monday\"]\nkeep_free = 1", "max_days_ahead = 2", "min_notice = \"72h\""] {
        assert_eq!(notes_about(&with_rules(&clinic_with_dental(), &[rule]).await, NONE_ON), [""; 0], "{rule}");
    }
}

#[tokio::test]
async fn a_rule_that_looks_further_ahead_than_the_horizon_is_noted_to_change_nothing() {
    const NOTHING: &str = "changes nothing";
    let notes = async |rule: &str| notes_about(&with_rules(&clinic_with_dental(), &[rule]).await, NOTHING);
    let told = "practice 1: Rule 1 (max_days_ahead) changes nothing: it allows times up to 60 days ahead, and \
                horizon_days of [sync] offers 60 days in all, today included";
    assert_eq!(notes("max_days_ahead = 60").await, [told]);
    assert_eq!(notes("max_days_ahead = 59").await, [""; 0]);
    assert_eq!(notes("keep_free = 1").await, [""; 0]);
}

#[tokio::test]
async fn times_that_the_rules_keep_back_are_not_told_as_offered_outside_the_live_hours() {
    const OUTSIDE: &str = "offered outside the live hours";
    // The practice promises to answer on Mondays from 08:00 to 18:00, and it is a Monday.
    let mornings = with_rules(&FakeOpenVpms::open_clinic(), &["hours = [\"07:00-12:00\"]"]).await;
    let notes = notes_about(&mornings, OUTSIDE);
    assert!(notes.len() == 1 && notes[0].contains("monday 07:00-08:00, tuesday 07:00-12:00, wed"), "{notes:?}");
    let rules = ["hours = [\"09:00-12:00\"]", "max_days_ahead = 0"];
    let today = with_rules(&FakeOpenVpms::open_clinic(), &rules).await;
    assert_eq!(notes_about(&today, OUTSIDE), [""; 0]);
    // A start at 17:55 lies within them, the next at 18:20 does not.
    let mut openvpms = FakeOpenVpms::open_clinic();
    openvpms.schedules.values_mut().flatten().for_each(|own| own.slot_size_minutes = 25);
    let notes = notes_about(&with_rules(&openvpms, &[]).await, OUTSIDE);
    assert!(notes.len() == 1 && notes[0].contains("monday 00:00-08:00 and 18:20-24:00, tuesday"), "{notes:?}");
}
