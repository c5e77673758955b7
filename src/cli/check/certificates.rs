//! Is a certificate about to end: the server's own, or one of those between it and an authority?
//!
//! A certificate that ended while the connection was accepted is one that this machine can do
//! without: an old way to another authority, as a rule. Others may not have the other way.

use chrono::{DateTime, TimeDelta, Utc};

use crate::findings::report::Report;
use crate::http::certificate_facts::CertificateFacts;
use crate::http::shown_certificates::{ShownCertificates, ShownChain};
use crate::messages::tls::{self as say, CertificateKeeper, CertificateRole};

/// Time enough to have one made; those that are renewed by a program are renewed earlier.
const SOON: TimeDelta = TimeDelta::days(21);

/// Judges what a server showed, if it showed anything.
pub(super) fn inspect(
    place: &str,
    shown: &ShownCertificates,
    keeper: CertificateKeeper,
    now: DateTime<Utc>,
    report: &mut Report,
) {
    shown.last().into_iter().for_each(|chain| judge(place, &chain, keeper, now, report));
}

fn judge(place: &str, chain: &ShownChain, keeper: CertificateKeeper, now: DateTime<Utc>, report: &mut Report) {
    // What is wrong with one that was not accepted was said with the failed connection.
    for own in chain.own.iter().filter(|own| chain.is_accepted || own.end > now) {
        tell(place, own, CertificateRole::Own, keeper, now, report);
    }
    for intermediate in &chain.intermediates {
        if intermediate.end <= now && chain.is_accepted {
            report.note(place, say::intermediate_done_without(&called(intermediate), intermediate.end, keeper));
        } else {
            tell(place, intermediate, CertificateRole::Intermediate, keeper, now, report);
        }
    }
}

/// Judges a certificate authority's file.
pub(super) fn inspect_authority(place: &str, authority: &CertificateFacts, now: DateTime<Utc>, report: &mut Report) {
    tell(place, authority, CertificateRole::Authority, CertificateKeeper::Clinic, now, report);
}

fn tell(
    place: &str,
    certificate: &CertificateFacts,
    role: CertificateRole,
    keeper: CertificateKeeper,
    now: DateTime<Utc>,
    report: &mut Report,
) {
    let (name, end) = (called(certificate), certificate.end);
    match end {
        _ if end <= now => report.problem(place, say::certificate_ended(role, &name, end, keeper)),
        _ if end - now < SOON => {
            report.note(place, say::certificate_ends(role, &name, end, (end - now).num_days(), keeper));
        }
        _ => {}
    }
}

fn called(certificate: &CertificateFacts) -> String {
    certificate.name.clone().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::report::Level;

    fn at(days: i64) -> DateTime<Utc> {
        "2027-02-15T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::days(days)
    }

    fn certificate(name: &str, days: i64) -> CertificateFacts {
        CertificateFacts { end: at(days), name: Some(name.into()), is_root: false }
    }

    /// Own and intermediate certificates that end in so many days.
    fn found(
        own: i64,
        intermediate: i64,
        is_accepted: bool,
        keeper: CertificateKeeper,
    ) -> Vec<(Level, String, String)> {
        let chain = ShownChain {
            own: Some(certificate("clinic.example", own)),
            intermediates: vec![certificate("R3", intermediate), certificate("Other", 900)],
            is_accepted,
        };
        let mut report = Report::default();
        judge("[openvpms] url", &chain, keeper, at(0), &mut report);
        let finding = |own: crate::findings::report::Finding| (own.level, own.message, own.remedy.unwrap_or_default());
        report.findings.into_iter().map(finding).collect()
    }

    #[test]
    fn each_certificate_of_a_chain_is_named_when_it_ends_within_three_weeks() {
        let clinic = CertificateKeeper::Clinic;
        assert_eq!(found(21, 21, true, clinic), []);
        let own = found(20, 300, true, clinic);
        assert_eq!((own.len(), own[0].0), (1, Level::Note));
        assert!(
            own[0].1.contains("The server's certificate (clinic.example) ends on 2027-03-07, in 20 days"),
            "{own:?}"
        );
        let between = found(300, 3, true, clinic);
        assert_eq!((between.len(), between[0].0), (1, Level::Note));
        assert!(between[0].1.contains("(R3)") && between[0].1.contains("in 3 days"), "{between:?}");
        assert!(between[0].2.contains("chain"), "{between:?}");
        assert_eq!(found(3, 3, true, clinic).len(), 2);
    }

    #[test]
    fn one_that_has_ended_is_a_problem_where_it_is_what_stopped_the_connection() {
        let clinic = CertificateKeeper::Clinic;
        let stopped = found(300, -1, false, clinic);
        assert_eq!((stopped.len(), stopped[0].0), (1, Level::Problem));
        assert!(stopped[0].1.contains("(R3)") && stopped[0].1.contains("ended on 2027-02-14"), "{stopped:?}");
        let done_without = found(300, -1, true, clinic);
        assert_eq!((done_without.len(), done_without[0].0), (1, Level::Note));
        // What stopped the connection is said of the server's own once, with the connection.
        assert_eq!(found(-1, 300, false, clinic), []);
        assert_eq!(found(-1, 300, true, clinic)[0].0, Level::Problem, "it ended since");
    }

    #[test]
    fn nobody_is_told_to_renew_what_is_not_theirs() {
        use CertificateKeeper::{Clinic, Elsewhere, Healthengine, Proxy};
        for (keeper, who) in [
            (Clinic, "OpenVPMS's server"),
            (Healthengine, "Healthengine's support"),
            (Proxy, "the proxy"),
            (Elsewhere, "whoever runs"),
        ] {
            for (own, intermediate, accepted) in [(3, 300, true), (300, 3, true), (300, -1, true), (300, -1, false)] {
                for (_, message, remedy) in found(own, intermediate, accepted, keeper) {
                    assert!(remedy.contains(who), "{keeper:?}: {message}. {remedy}");
                }
            }
        }
    }
}
