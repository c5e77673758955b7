//! What a problem is about, and what follows from that alone.

use super::attempts::Attempts;
use crate::ids::{BookingId, PracticeId};
use crate::practice::shared::ServerPlaces;

/// What a problem is about; there is at most one of each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// OpenVPMS cannot be read.
    OpenVpms,
    /// Healthengine cannot be asked.
    Healthengine,
    /// Healthengine cannot tell which bookings wait.
    BookingList,
    /// Bookings wait for too long.
    BookingsWait,
    /// Changes of bookings wait for too long.
    UpdatesWait,
    /// Days that are asked for wait for too long.
    DaysWait,
    /// A list of Healthengine's that cannot be read whole, by what it holds.
    PartOfList(&'static str),
    /// Healthengine did not take answers to bookings.
    Answers,
    /// Healthengine refuses the credentials or the practice's consent.
    Access,
    /// The clocks differ.
    Clock,
    /// Resources of the config file that cannot be offered.
    LeftOut,
    /// The resource list is held back.
    ResourceGuard,
    /// The appointment type list is held back.
    TypeGuard,
    /// Resources or appointment types that left Healthengine.
    Departed,
    /// What is never open.
    NeverOpen,
    /// The mapping cannot be made.
    Mapping,
    /// The diary's times are hours from the practice's.
    Zone,
    /// Healthengine does not take the configuration.
    Configuration,
    /// Healthengine does not take days.
    Days,
    /// Days that Healthengine refuses.
    RefusedDays,
    /// An extra feature that cannot be switched off.
    Features,
    /// The webhook subscription cannot be kept.
    Subscriptions,
    /// Webhooks cannot be delivered.
    Webhooks,
    /// Another bridge serves the practice.
    OtherBridge,
    /// The store cannot be written.
    Store,
    /// Somebody paused the practice long ago.
    Paused,
    /// Practices that were removed from the configuration before their days were emptied.
    LeftBehind,
    /// The configuration file has errors since it was last read, or waits for a restart.
    ConfigFile,
    /// More calls come by themselves than a rate limit allows.
    CallRates,
    /// Messages to people do not arrive.
    Alerts,
    /// A loop that stands still, or a task that failed, by its name.
    Loop(&'static str),
    /// The same of one that keeps a practice and outlives it, so that the problem stands among
    /// those of the whole.
    LoopOf(&'static str, PracticeId),
    /// One booking.
    Booking(BookingId),
}

impl Subject {
    /// True if meanwhile bookings are not answered, or times are offered that nobody keeps true.
    pub(super) fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::OpenVpms
                | Self::Healthengine
                | Self::BookingList
                | Self::BookingsWait
                | Self::Answers
                | Self::Access
                | Self::Days
                | Self::Mapping
        )
    }

    /// True if it tells of an outage of a server what there is to tell: other calls that fail
    /// meanwhile fail because of it.
    pub(super) fn tells_of_outages(&self) -> bool {
        matches!(self, Self::OpenVpms | Self::Healthengine | Self::Access)
    }

    /// True once a practice that has done so much since it started would know of such a problem.
    pub(super) fn is_known_after(&self, attempts: Attempts) -> bool {
        use Subject::{Access, Answers, Configuration, Days, Healthengine, NeverOpen, OpenVpms};
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others are judged whole wherever they are cleared")]
        match self {
            OpenVpms | NeverOpen | Days => attempts.readings > 0,
            // The lists are read, and answers given again, after the first poll.
            Access | Healthengine | Answers => attempts.polls > 1,
            Configuration => attempts.configurations > 0,
            _ => true,
        }
    }

    /// Where the server is that it is about.
    pub(super) fn place<'a>(&self, places: &'a ServerPlaces) -> Option<&'a str> {
        let is_about_healthengine = matches!(
            self,
            Self::Healthengine
                | Self::BookingList
                | Self::Answers
                | Self::Access
                | Self::Configuration
                | Self::Days
                | Self::Features
                | Self::Subscriptions
        );
        if *self == Self::OpenVpms {
            return Some(&places.openvpms);
        }
        is_about_healthengine.then_some(&*places.healthengine)
    }

    /// A short name for JSON.
    pub fn name(&self) -> String {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others are about nothing in particular")]
        match self {
            Self::PartOfList(list) => format!("part of the list of {list}"),
            Self::Loop(name) => format!("loop {name}"),
            Self::LoopOf(name, practice) => format!("loop {name} of practice {practice}"),
            Self::Booking(id) => format!("booking {id}"),
            _ => self.kind().to_owned(),
        }
    }

    /// The booking that a problem of this name is about.
    pub(super) fn booking_of(name: &str) -> Option<BookingId> {
        name.strip_prefix("booking ")?.parse().ok().map(BookingId)
    }

    /// The same without what it is about: one of a few words of ours.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::OpenVpms => "openvpms",
            Self::Healthengine => "healthengine",
            Self::BookingList => "booking_list",
            Self::BookingsWait => "bookings_wait",
            Self::UpdatesWait => "updates_wait",
            Self::DaysWait => "days_wait",
            Self::Answers => "answers",
            Self::Access => "access",
            Self::Clock => "clock",
            Self::LeftOut => "left_out",
            Self::ResourceGuard => "resource_guard",
            Self::TypeGuard => "type_guard",
            Self::Departed => "departed",
            Self::NeverOpen => "never_open",
            Self::Mapping => "mapping",
            Self::Zone => "zone",
            Self::Configuration => "configuration",
            Self::Days => "days",
            Self::RefusedDays => "refused_days",
            Self::Features => "features",
            Self::Subscriptions => "subscriptions",
            Self::Webhooks => "webhooks",
            Self::OtherBridge => "another_bridge",
            Self::Store => "store",
            Self::LeftBehind => "left_behind",
            Self::ConfigFile => "config_file",
            Self::Paused => "paused",
            Self::CallRates => "call_rates",
            Self::Alerts => "alerts",
            Self::PartOfList(_) => "part_of_list",
            Self::Loop(_) | Self::LoopOf(..) => "loop",
            Self::Booking(_) => "booking",
        }
    }

    /// True for what stands for as long as it puts its practice out of step, and no longer. Without
    /// a mapping no day can be read. Others do so at times: see `Practice::concerns`.
    pub(super) fn puts_out_of_step(&self) -> bool {
        use Subject::{Access, BookingList, Configuration, Days, Healthengine, Mapping, OpenVpms};
        matches!(self, OpenVpms | Healthengine | BookingList | Access | Configuration | Days | Mapping)
    }
}
