//! The scenarios of Healthengine's suggested testing, as its document calls them, and three more
//! that it asks for elsewhere.

/// A scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scenario {
    Linking,
    WithoutConsent,
    MultiLocation,
    UpdatingPracticeId,
    InitialConfiguration,
    LivenessTimes,
    ResourceChanges,
    TypeChanges,
    ConfigurationResync,
    ConfigurationAfterDisabling,
    MultipleSpecialties,
    AvailabilityResync,
    AvailabilityAfterDisabling,
    Polling,
    PriorityRequests,
    WebhookInTime,
    WebhookRetried,
    WebhookMissed,
    RequestTypes,
    UnknownBooking,
    OutstandingRequests,
    PatientDetails,
    ChangedDetails,
}

use Scenario as S;

/// All of them in the order of the document, each with its title.
pub(super) const SCENARIOS: [(Scenario, &str); 23] = [
    (S::Linking, "Linking the PMS account with a Healthengine practice"),
    (
        S::WithoutConsent,
        "Practice provides Healthengine practice ID and practice key without consent or for a revoked consent",
    ),
    (S::MultiLocation, "Integration of PMS Account with multi-location support"),
    (S::UpdatingPracticeId, "Updating a Healthengine practice ID for a PMS account or location"),
    (S::InitialConfiguration, "Initial configuration synchronisation"),
    (S::LivenessTimes, "Updating liveness contract times in the PMS"),
    (S::ResourceChanges, "Changes detected in PMS resource snapshot"),
    (S::TypeChanges, "Changes detected in PMS appointment type snapshot"),
    (S::ConfigurationResync, "Manual configuration resync action by PMS user"),
    (S::ConfigurationAfterDisabling, "Sending configuration after being temporarily disabled"),
    (S::MultipleSpecialties, "Managing PMS practitioners with multiple specialties"),
    (S::AvailabilityResync, "Manual availability resync action by PMS user"),
    (S::AvailabilityAfterDisabling, "Sending availability after being temporarily disabled"),
    (S::Polling, "Polling for new requests"),
    (S::PriorityRequests, "Handling priority requests"),
    (S::WebhookInTime, "Acknowledging a webhook payload to prevent timeout"),
    (S::WebhookRetried, "Resolving a webhook payload attempt before the maximum number of retries"),
    (S::WebhookMissed, "Handling missed webhook payloads"),
    (S::RequestTypes, "Handling multiple request types with priority"),
    (S::UnknownBooking, "Handling an unknown booking ID for incoming booking-related requests"),
    (S::OutstandingRequests, "Outstanding requests are fetched at first set-up and on re-enabling"),
    (S::PatientDetails, "Patient details are normalised before matching"),
    (S::ChangedDetails, "A patient who has changed contact details or is misspelt is still matched"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const GO_LIVE: &str = include_str!("../../docs/go-live.md");

    /// `Handling an unknown booking ID` as a test is named after it.
    fn name(title: &str) -> String {
        let lower = title.to_lowercase();
        let words = lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("_")
    }

    #[test]
    fn the_report_has_every_scenario_of_the_page_about_going_live() {
        let table = GO_LIVE.split("## Scenarios").nth(1).unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.rsplit('`').nth(1)).map(str::to_owned);
        let titles = SCENARIOS.iter().map(|(_, title)| name(title));
        assert_eq!(titles.collect::<BTreeSet<_>>(), rows.collect::<BTreeSet<_>>());
    }
}
