//! Why a time is offered or not, and what to change and where.

use std::fmt::Display;

use chrono::TimeDelta;

use super::page::{END_THE_PAUSE, SEND_AGAIN, SWITCHED_ON_BY};
use super::{listed, plain, rules};
use crate::availability::explanation::{Code, ExplainedSlot};
use crate::availability::rules::{OfferRule, RuleAt};
use crate::bridge::off::Off;
use crate::ids::{PracticeId, ResourceId};

/// Where the sentences are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAt {
    /// On a page: by people who know names and press buttons.
    Page,
    /// On the command line, or by a program: ids stand beside the names, and commands are named.
    Command,
}

/// What the sentences are about.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Where they are read.
    pub read_at: ReadAt,
    /// What the resource is called, if that is known.
    pub resource_name: Option<&'a str>,
    /// What its schedule is called, if that is known.
    pub schedule_name: Option<&'a str>,
    /// The practice.
    pub practice: &'a PracticeId,
    /// The resource.
    pub resource: ResourceId,
    /// The shortest appointment type in minutes, if there is any.
    pub shortest_minutes: Option<u32>,
    /// Nothing is offered sooner than this from now.
    pub min_notice: TimeDelta,
    /// So many days are offered.
    pub horizon_days: u32,
    /// Why the practice is off, if it is.
    pub off: Option<Off>,
    /// True if the schedule has no open time at any time of the day.
    pub is_closed_all_day: bool,
    /// The practice's rules.
    pub rules: &'a [OfferRule],
}

impl Facts<'_> {
    /// `schedule 136 (Consulting room)`; on a page the name alone.
    fn schedule(&self) -> String {
        self.named(format!("schedule {}", self.resource.schedule), self.schedule_name)
    }

    /// The same of the resource.
    fn resource(&self) -> String {
        self.named(self.resource.to_string(), self.resource_name)
    }

    fn named(&self, id: String, name: Option<&str>) -> String {
        match (self.read_at, name) {
            (_, None) => id,
            (ReadAt::Page, Some(name)) => name.to_owned(),
            (ReadAt::Command, Some(name)) => format!("{id} ({})", plain(name)),
        }
    }

    fn is_page(&self) -> bool {
        self.read_at == ReadAt::Page
    }
}

/// Why an appointment type is not offered that these keys of rules keep back.
pub fn type_text(by: &[RuleAt], facts: &Facts<'_>) -> String {
    rules::withholds(by, facts.rules, facts.min_notice)
}

/// What to change and where, if it is to be offered.
pub fn type_remedy(by: &[RuleAt], facts: &Facts<'_>) -> String {
    rules::remedy(by, facts.is_page(), facts.practice)
}

/// What a schedule does that has no open time although it has hours, and what to write instead.
pub const CLOSES_AT_MIDNIGHT: &str =
    "closes at 24:00, of which OpenVPMS makes no open time at all (set a closing time of 23:45)";

/// Why a time is not offered; empty if it is.
pub fn text(slot: &ExplainedSlot, facts: &Facts<'_>) -> String {
    let schedule = facts.schedule();
    match slot.code {
        Code::Offered => String::new(),
        Code::Closed => format!("There are no online booking times of {schedule} then."),
        Code::Busy => "The diary has an appointment or a calendar block there; OpenVPMS does not say which.".to_owned(),
        Code::OwnBooking => "A booking that was made through Healthengine stands there.".to_owned(),
        Code::InDoubt => {
            "A booking from Healthengine is being made there, or nobody knows yet whether it stands.".to_owned()
        }
        Code::NotRostered => {
            format!("The clinician is not rostered to schedule {schedule} then, as far as OpenVPMS says.")
        }
        Code::ClinicianBusy => "The clinician has an appointment on another schedule.".to_owned(),
        Code::Past => "The time has begun or is over.".to_owned(),
        Code::MinNotice => format!("It begins sooner than {} from now.", minutes(facts.min_notice.num_minutes())),
        Code::TooShort => match facts.shortest_minutes {
            Some(shortest) => format!(
                "There is room, but not for any appointment type: the shortest takes {}.",
                minutes(i64::from(shortest))
            ),
            None => "There is room, but not for any appointment type.".to_owned(),
        },
        Code::NoType => format!("No appointment type of {schedule} can be booked online."),
        Code::ClockChange => {
            "The clocks are put back then, so the time happens twice and OpenVPMS cannot tell which is meant."
                .to_owned()
        }
        Code::Rule(_) => match slot.kept_back_apart() {
            None => rules::withholds(slot.needed_changes(), facts.rules, facts.min_notice),
            Some(by) => rules::withhold_together(by),
        },
        Code::HeldBack => format!(
            "OpenVPMS suddenly stopped listing {}, or its appointment types. What Healthengine has of it is left as \
             it is until that is certain.",
            facts.resource()
        ),
        Code::NotRead => "OpenVPMS could not be read lately, so nobody knows.".to_owned(),
        Code::BeyondHorizon => format!("Times are offered for {} days from today on.", facts.horizon_days),
        Code::Off => match facts.off {
            Some(Off::Paused) => "The practice is paused.".to_owned(),
            Some(Off::Removed) => "The practice is not in the configuration any more.".to_owned(),
            Some(Off::Disabled) | None => "The practice is disabled.".to_owned(),
        },
    }
}

/// What to change and where, if the time is to be offered; empty if it is.
pub fn remedy(slot: &ExplainedSlot, facts: &Facts<'_>) -> String {
    let (schedule, practice) = (facts.schedule(), facts.practice);
    match slot.code {
        Code::Offered => String::new(),
        Code::Closed => {
            let hint =
                if facts.is_closed_all_day { format!(". Perhaps it {CLOSES_AT_MIDNIGHT}") } else { String::new() };
            format!("In OpenVPMS, set the online booking times of {schedule}{hint}.")
        }
        Code::Busy => {
            "In OpenVPMS, look into the diary; moving or removing what stands there frees the time.".to_owned()
        }
        Code::OwnBooking if facts.is_page() => OWN_BOOKING_REMEDY.to_owned(),
        Code::OwnBooking => {
            format!("{OWN_BOOKING_REMEDY} `vetbridge bookings --practice {practice}` lists the bookings.")
        }
        Code::InDoubt if facts.is_page() => {
            "Wait a minute. If it stays so, the status page says what to do.".to_owned()
        }
        Code::InDoubt => {
            "Wait a minute. If it stays so, the status page and `vetbridge bookings` say what to do.".to_owned()
        }
        Code::NotRostered => format!("In OpenVPMS, roster the clinician to {schedule} at that time."),
        Code::ClinicianBusy => "In OpenVPMS, look into the clinician's other schedules.".to_owned(),
        Code::Past => "Nothing any more.".to_owned(),
        Code::MinNotice => "A shorter min_notice under [sync] in the configuration offers it.".to_owned(),
        Code::TooShort => {
            "In OpenVPMS, make room beside it, or give the schedule a shorter appointment type.".to_owned()
        }
        Code::NoType => {
            format!("In OpenVPMS, give {schedule} appointment types and tick their Online Booking.")
        }
        Code::ClockChange => "Nothing: such a time is never offered.".to_owned(),
        Code::Rule(_) => rules::remedy(slot.needed_changes(), facts.is_page(), practice),
        Code::HeldBack => {
            let how = if facts.is_page() {
                format!("press \"{SEND_AGAIN}\" on the status page")
            } else {
                format!("type `vetbridge resync --practice {practice} --only config`")
            };
            format!(
                "In OpenVPMS, look whether the Online Booking of {schedule} was unticked by mistake. If it is meant, \
                 {how}."
            )
        }
        Code::NotRead if facts.is_page() => "The status page says what is wrong with OpenVPMS.".to_owned(),
        Code::NotRead => "`vetbridge status` says what is wrong with OpenVPMS.".to_owned(),
        Code::BeyondHorizon => "A larger horizon_days under [sync] in the configuration offers it.".to_owned(),
        Code::Off => match facts.off {
            Some(Off::Paused) if facts.is_page() => format!("Press \"{END_THE_PAUSE}\"."),
            Some(Off::Removed | Off::Disabled) | None if facts.is_page() => SWITCHED_ON_BY.to_owned(),
            Some(Off::Paused) => format!("`vetbridge resume --practice {practice}` ends the pause."),
            Some(Off::Removed) => {
                format!("Put the [[practice]] block of practice {practice} back into the configuration.")
            }
            Some(Off::Disabled) | None => {
                format!("Set enabled = true in the [[practice]] block of practice {practice}.")
            }
        },
    }
}

/// What frees the time of a booking.
pub const OWN_BOOKING_REMEDY: &str =
    "Nothing while the booking stands. If the pet owner cancelled and it stands all the same, it needs a person.";

/// OpenVPMS was not read since the start, and nothing is known of the resource from before.
pub fn not_known_yet(resource: ResourceId, practice: &PracticeId) -> String {
    format!(
        "OpenVPMS has not been read since the start, so it is not known whether practice {practice} offers {resource}. \
         `vetbridge status` says what is wrong; then ask again."
    )
}

/// A resource that the practice does not offer.
pub fn unknown_resource(resource: ResourceId, practice: &PracticeId, known: &[(ResourceId, String)]) -> String {
    let known = known.iter().map(|(id, name)| format!("{id} ({})", plain(name)));
    format!("Practice {practice} does not offer {resource}. It offers {}.", listed(known))
}

/// A text that is no resource.
pub fn no_resource(text: &str) -> String {
    format!(
        "{} is not a resource: s136 stands for schedule 136, u1158-s211 for clinician 1158 on schedule 211.",
        plain(text)
    )
}

/// A text that is no date.
pub fn no_date(text: &str) -> String {
    format!("{} is not a date of the years 2000 to 2199: write it as 2027-02-15.", plain(text))
}

/// A text that is no time.
pub fn no_time(text: &str) -> String {
    format!("{} is not a time: write it as 09:30.", plain(text))
}

/// A time over which the clocks are put forward.
pub fn time_is_skipped(text: &str, date: &str) -> String {
    format!("There is no {} on {date}: the clocks are put forward over it.", plain(text))
}

/// An appointment type that the resource does not have.
pub fn no_type(text: &str, resource: &str, known: &[(String, String)]) -> String {
    let known = known.iter().map(|(id, name)| format!("{id} ({})", plain(name)));
    format!("{resource} has no appointment type {}. It has {}.", plain(text), listed(known))
}

/// Other types fit, and the one that is asked for does not.
pub const TYPE_TOO_LONG: &str = "There is room, but not for this appointment type.";
/// What changes that.
pub const TYPE_TOO_LONG_REMEDY: &str = "In OpenVPMS, make room beside it.";

/// A query without what it needs.
pub const QUERY: &str = "The query has to name resource and date, such as ?resource=s136&date=2027-02-15; it may \
                         name at (10:30) and type (63) too.";

/// A day of which nothing was sent, and should be.
pub const NEVER_SENT: &str =
    "Healthengine was not sent anything of this day yet. If that stays so, `vetbridge status` says why.";
/// When OpenVPMS was read for what is said.
pub fn read(at: impl Display) -> String {
    format!("The diary was read at {at}.")
}

/// No service runs.
pub const NOBODY_SENDS: &str =
    "vetbridge does not run: nothing of this reaches Healthengine, and nobody answers bookings there.";
/// A day of which nothing was sent, and need not be.
pub const NOTHING_SENT: &str = "As far as vetbridge remembers, Healthengine offers nothing of this day.";

/// What Healthengine has of a day. `is_read` if the diary's own times of that day are known.
pub fn last_sent(at: impl Display, accepted: bool, pending: bool, is_read: bool) -> String {
    let outcome = match (accepted, pending) {
        (true, _) if !is_read => {
            "Healthengine accepted it, and shows it still. What the diary says is not known at the moment."
        }
        (true, false) => "Healthengine accepted it, and has what stands here.",
        (true, true) => "Healthengine accepted it, and has not yet what stands here.",
        (false, _) => "Healthengine refused it, and shows what it had before.",
    };
    format!("Last sent {at}. {outcome}")
}

/// `90 minutes`, `2 hours`.
fn minutes(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, 1) => "1 minute".to_owned(),
        (1, 0) => "1 hour".to_owned(),
        (hours, 0) if hours > 0 => format!("{hours} hours"),
        _ => format!("{minutes} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::availability::rules::RuleKey;
    use crate::ids::ScheduleId;

    const CODES: [Code; 17] = [
        Code::Offered,
        Code::Closed,
        Code::Busy,
        Code::OwnBooking,
        Code::InDoubt,
        Code::NotRostered,
        Code::ClinicianBusy,
        Code::Past,
        Code::MinNotice,
        Code::TooShort,
        Code::NoType,
        Code::ClockChange,
        Code::Rule(RuleAt { number: 2, key: RuleKey::Hours }),
        Code::HeldBack,
        Code::NotRead,
        Code::BeyondHorizon,
        Code::Off,
    ];

    #[test]
    fn a_page_names_names_and_buttons_where_a_command_names_ids_and_commands() {
        let practice = PracticeId("1234567".into());
        for off in [None, Some(Off::Paused), Some(Off::Disabled), Some(Off::Removed)] {
            let page = Facts {
                read_at: ReadAt::Page,
                resource_name: Some("Vera Vet - Surgery"),
                schedule_name: Some("Surgery"),
                practice: &practice,
                resource: ResourceId::schedule(ScheduleId(136)),
                shortest_minutes: Some(15),
                min_notice: TimeDelta::hours(2),
                horizon_days: 60,
                off,
                is_closed_all_day: true,
                rules: &[],
            };
            let command = Facts { read_at: ReadAt::Command, ..page.clone() };
            for code in CODES {
                let slot = &ExplainedSlot::of(0, 15, code);
                let of_both = [text(slot, &page), remedy(slot, &page)].join(" ");
                let is_of_the_page = !of_both.contains('`') && !of_both.contains("136") && !of_both.contains("1234567");
                assert!(is_of_the_page, "{code:?}: {of_both}");
                assert!(!of_both.contains("None"), "{code:?}: {of_both}");
                let typed = [text(slot, &command), remedy(slot, &command)].join(" ");
                assert_eq!(typed.contains("136"), typed.contains("Surgery"), "{code:?}: {typed}");
            }
        }
    }

    #[test]
    fn a_day_that_cannot_be_read_is_not_said_to_stand_at_healthengine_as_it_is() {
        assert!(last_sent("then", true, false, true).ends_with("has what stands here."));
        let unread = last_sent("then", true, false, false);
        assert!(!unread.contains("stands here") && unread.contains("not known"), "{unread}");
        assert!(last_sent("then", false, false, false).contains("refused it"));
    }

    #[test]
    fn that_a_closing_time_of_midnight_gives_no_time_is_said_only_where_a_day_has_none() {
        let practice = PracticeId("1".into());
        let remedy = |is_closed_all_day: bool| {
            let (min_notice, off, resource) = (TimeDelta::zero(), None, "s136".parse().unwrap());
            let practice = &practice;
            let facts = Facts {
                read_at: ReadAt::Command,
                resource_name: None,
                schedule_name: None,
                practice,
                resource,
                shortest_minutes: None,
                min_notice,
                horizon_days: 7,
                off,
                is_closed_all_day,
                rules: &[],
            };
            super::remedy(&ExplainedSlot::of(0, 15, Code::Closed), &facts)
        };
        assert!(remedy(true).contains("24:00") && remedy(true).contains("23:45"), "{}", remedy(true));
        assert_eq!(remedy(false), "In OpenVPMS, set the online booking times of schedule 136.");
    }
}
