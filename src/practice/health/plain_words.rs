//! What a problem means for whoever works at the practice.

use super::subject::Subject;
use crate::call_error::ServerOutage;
use crate::messages::plain_words as say;

impl Subject {
    /// In a sentence or two without ids, commands and words of programmers. What comes from an
    /// outage of a server means what the outage means.
    pub(super) fn in_plain_words(&self, outage: Option<ServerOutage>) -> String {
        if let Some(outage) = outage {
            return say::outage(outage).to_owned();
        }
        let words = match self {
            Self::Booking(id) => return say::booking(*id),
            Self::OpenVpms => say::DIARY_NOT_READ,
            Self::Healthengine | Self::BookingList | Self::PartOfList(_) => say::BOOKINGS_NOT_LISTED,
            Self::Access => say::outage(ServerOutage::HealthengineRefuses),
            Self::BookingsWait => say::BOOKINGS_WAIT,
            Self::UpdatesWait => say::CHANGES_WAIT,
            Self::DaysWait | Self::Days | Self::RefusedDays => say::TIMES_NOT_TAKEN,
            Self::Answers => say::ANSWERS_NOT_TAKEN,
            Self::Clock => say::CLOCK,
            Self::ResourceGuard | Self::TypeGuard => say::LESS_IN_OPENVPMS,
            Self::Departed => say::DEPARTED,
            Self::LeftOut | Self::NeverOpen => say::NOT_OFFERED,
            Self::Mapping => say::TIMES_NOT_KNOWN,
            Self::Zone => say::HOURS_DOUBTFUL,
            Self::Configuration | Self::Features => say::SETUP_NOT_TAKEN,
            Self::Subscriptions | Self::Webhooks | Self::CallRates => say::BOOKINGS_SLOWER,
            Self::OtherBridge => say::OTHER_BRIDGE,
            Self::Store => say::STORE,
            // The page has a card of its own for it, with the button that ends it.
            Self::Paused => return String::new(),
            Self::LeftBehind => say::LEFT_BEHIND,
            Self::ConfigFile => say::CONFIG_FILE,
            Self::Alerts => say::ALERTS,
            Self::Loop(_) | Self::LoopOf(..) => say::OWN_FAULT,
        };
        words.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{BookingId, PracticeId};

    #[test]
    fn nobody_at_the_practice_has_to_read_a_command_a_key_or_a_word_of_programmers() {
        use Subject::*;
        let all = [
            OpenVpms,
            Healthengine,
            BookingList,
            BookingsWait,
            UpdatesWait,
            DaysWait,
            PartOfList("bookings"),
            Answers,
            Access,
            Clock,
            LeftOut,
            ResourceGuard,
            TypeGuard,
            Departed,
            NeverOpen,
            Mapping,
            Zone,
            Configuration,
            Days,
            RefusedDays,
            Features,
            Subscriptions,
            Webhooks,
            CallRates,
            OtherBridge,
            Store,
            LeftBehind,
            ConfigFile,
            Alerts,
            Loop("requests"),
            LoopOf("runner", PracticeId("1234567".into())),
            Booking(BookingId(63)),
        ];
        let outages = [None, Some(ServerOutage::OpenVpmsAway), Some(ServerOutage::HealthengineRefuses)];
        for (subject, outage) in all.iter().flat_map(|own| outages.map(|outage| (own, outage))) {
            let words = subject.in_plain_words(outage);
            assert!(words.ends_with('.') && words.len() > 60, "{subject:?}: {words}");
            let of_programmers = ['`', '[', '_', '/', '=', '{'].iter().any(|own| words.contains(*own));
            let named = ["loop", "HTTP", "JSON", "webhook", "config", "1234567", "requests"];
            assert!(!of_programmers && !named.iter().any(|own| words.contains(own)), "{subject:?}: {words}");
        }
        assert_eq!(Booking(BookingId(63)).in_plain_words(None).matches("63").count(), 2);
    }
}
