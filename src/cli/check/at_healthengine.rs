//! Healthengine, for each enabled practice: reached, credentials, consent, extra features, clocks,
//! and whether it has the resources and appointment types that are offered here.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use crate::call_error::{Answer, ErrorClass};
use crate::config::{Config, PracticeSettings};
use crate::findings::report::{Report, title};
use crate::healthengine::{PmsAppointmentType, PmsResource, ReadHealthengine};
use crate::ids::PracticeId;
use crate::mapping::Mapping;
use crate::messages::{call_failures, check_findings as say};

/// From here on a wrong clock is a problem: half of the time in which a booking must be answered
/// would be gone soon.
const CLOCK_DIFFERENCE_MAX: TimeDelta = TimeDelta::seconds(30);

/// Makes a handle to Healthengine for a practice.
pub(super) type ConnectHealthengine<'a> =
    dyn Fn(&PracticeSettings) -> anyhow::Result<Arc<dyn ReadHealthengine>> + Send + Sync + 'a;

/// Asks for every enabled practice. An error means that no client could be made.
pub(super) async fn inspect(
    config: &Config,
    connect: &ConnectHealthengine<'_>,
    offers: &BTreeMap<PracticeId, Mapping>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let url = &config.healthengine.url;
    let mut clock_seen = false;
    for practice in config.practices.iter().filter(|practice| practice.enabled) {
        let handle = connect(practice)?;
        let looked = look(practice, url.as_str(), handle.as_ref(), offers.get(&practice.id), report).await;
        if let Err(error) = looked {
            let advice = call_failures::healthengine(&error, url, &practice.id);
            if concerns_all(error.class) || error.is_unknown_call() {
                report.problem("[healthengine]", advice);
                break;
            }
            report.problem(title(practice), advice);
        } else if !clock_seen {
            clock_seen = true;
            inspect_clock(handle.clock_difference(), report);
        }
    }
    Ok(())
}

async fn look(
    practice: &PracticeSettings,
    url: &str,
    handle: &dyn ReadHealthengine,
    offer: Option<&Mapping>,
    report: &mut Report,
) -> Answer<()> {
    let features = handle.features().await?;
    report.ok(title(practice), format!("Healthengine answers at {url}; api_key and consent are good"));
    let left_on: Vec<&str> =
        features.iter().filter(|feature| feature.enabled).map(|feature| feature.id.as_str()).collect();
    if !left_on.is_empty() {
        report.note(title(practice), say::features_left_on(&left_on));
    }
    // Without a reading of OpenVPMS there is nothing to compare with.
    let Some(mapping) = offer else { return Ok(()) };
    match (handle.resources().await, handle.appointment_types().await) {
        (Ok(resources), Ok(types)) => compare(practice, mapping, &resources, &types, report),
        // It does not say what it has.
        (Err(error), _) | (_, Err(error)) if error.class == ErrorClass::Refused => {}
        (Err(error), _) | (_, Err(error)) => return Err(error),
    }
    Ok(())
}

/// What is offered here, against what Healthengine has.
fn compare(
    practice: &PracticeSettings,
    mapping: &Mapping,
    resources: &[PmsResource],
    types: &[PmsAppointmentType],
    report: &mut Report,
) {
    let (own_resources, own_types) = (mapping.pms_resources(), mapping.pms_appointment_types());
    let counts = (own_resources.len(), own_types.len());
    if resources.is_empty() && types.is_empty() {
        if counts.0 > 0 {
            report.note(title(practice), say::nothing_at_healthengine(counts.0, counts.1));
        }
        return;
    }
    let resource = |own: &PmsResource| (own.pms_resource_id.clone(), own.clone());
    let resource_name = |own: &PmsResource| own.pms_resource_name.clone();
    let kind = |own: &PmsAppointmentType| (own.pms_appointment_type_id.clone(), own.clone());
    let kind_name = |own: &PmsAppointmentType| own.pms_appointment_type_name.clone();
    let mut differences = Differences::default();
    let (own, there) = (own_resources.iter().map(resource).collect(), resources.iter().map(resource).collect());
    differences.note(&own, &there, resource_name);
    let (own, there) = (own_types.iter().map(kind).collect(), types.iter().map(kind).collect());
    differences.note(&own, &there, kind_name);
    let Differences { missing, changed, extra } = differences;
    if missing.is_empty() && changed.is_empty() && extra.is_empty() {
        report.ok(title(practice), say::same_at_healthengine(counts.0, counts.1));
    } else {
        report.note(title(practice), say::differs_at_healthengine(&missing, &changed, &extra));
    }
}

/// Names of resources and of appointment types, with their ids.
#[derive(Default)]
struct Differences {
    missing: Vec<String>,
    changed: Vec<String>,
    extra: Vec<String>,
}

impl Differences {
    fn note<T: PartialEq>(
        &mut self,
        own: &BTreeMap<String, T>,
        there: &BTreeMap<String, T>,
        name: impl Fn(&T) -> String,
    ) {
        let called = |id: &str, item: &T| format!("{} ({id})", name(item));
        for (id, own) in own {
            match there.get(id) {
                None => self.missing.push(called(id, own)),
                Some(other) if other != own => self.changed.push(called(id, own)),
                Some(_) => {}
            }
        }
        let extra = there.iter().filter(|(id, _)| !own.contains_key(*id));
        self.extra.extend(extra.map(|(id, item)| called(id, item)));
    }
}

fn inspect_clock(ahead: TimeDelta, report: &mut Report) {
    if ahead.abs() > CLOCK_DIFFERENCE_MAX {
        report.problem("clock", say::clocks_differ(ahead));
    } else {
        report.ok("clock", format!("within {} s of Healthengine's", ahead.num_seconds().abs() + 1));
    }
}

/// True if every practice would fail in the same way.
fn concerns_all(class: ErrorClass) -> bool {
    match class {
        ErrorClass::NotSent
        | ErrorClass::Lost
        | ErrorClass::Unavailable
        | ErrorClass::Credentials
        | ErrorClass::TooMany
        | ErrorClass::Contract => true,
        ErrorClass::Forbidden | ErrorClass::Refused => false,
    }
}
