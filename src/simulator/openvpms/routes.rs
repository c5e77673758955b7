//! From a request to what it asks for: paths, accounts, methods, media types, parameters.
//!
//! The order of the checks is the server's: the container refuses an encoded slash, the application
//! sends what is not a service to its login page, then come the account, the path, the method, the
//! media types, and at last the parameters, which are looked at before it is known whether the
//! thing asked for exists.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, FixedOffset, Utc};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::{Value, json};

use crate::ids::{LocationId, ScheduleId, UserId};
use crate::simulator::exchange::{ArrivedRequest, SentAnswer};
use crate::span::Span;

use super::dates;
use super::free_busy::AskedWindow;
use super::inventory::{schedule_told, user_told};
use super::pages::{self, PageRefusal};
use super::roster::Ranged;
use super::world::{Condition, Login, World};

/// Where the booking API lies, below the server's root. The base URL of the configuration ends
/// before `/ws`.
pub const BASE: &str = "/openvpms/ws/booking/v2";

/// What a path stands for.
enum ApiPath<'a> {
    Locations,
    Location(LocationId),
    Schedules(LocationId),
    Users(LocationId),
    Schedule(ScheduleId),
    Types(ScheduleId),
    ScheduleTime(ScheduleId, FreeBusyPart),
    User(UserId),
    UserLocations(UserId),
    UserLocation(UserId, LocationId),
    UserTime(UserId, LocationId, FreeBusyPart),
    Bookings,
    Booking(&'a str),
}

/// Which part of free and busy time.
#[derive(Clone, Copy)]
enum FreeBusyPart {
    Free,
    Busy,
    Both,
}

/// Answers a request.
pub(super) fn answer(world: &mut World, asked: &ArrivedRequest, now: DateTime<Utc>) -> SentAnswer {
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    if path.to_ascii_lowercase().contains("%2f") {
        return pages::page(400, "Invalid URI");
    }
    if world.condition == Condition::ApplicationAway || !path.starts_with("/openvpms/") {
        return pages::page(404, "");
    }
    if !path.starts_with("/openvpms/ws/") {
        let host = asked.header("host").unwrap_or("localhost");
        let login = format!("http://{host}/openvpms/login");
        let at_login = path == "/openvpms/login";
        return if at_login { pages::login() } else { pages::empty(302).with_header("location", login) };
    }
    let Some(account) = account(world, asked) else {
        return pages::page(401, "").with_header("www-authenticate", "Basic realm=\"OpenVPMS Services\"");
    };
    let segments: Vec<String> = path.strip_prefix(BASE).map_or_else(Vec::new, segments);
    match route(&segments) {
        Ok(Some(route)) => dispatch(world, &route, asked, query, &account, now),
        Ok(None) => pages::text(404, "HTTP 404 Not Found"),
        Err(NoNumber) => pages::page(404, ""),
    }
}

/// Who asks. While the database is away nobody can be known.
fn account(world: &World, asked: &ArrivedRequest) -> Option<Login> {
    let credentials = STANDARD.decode(asked.header("authorization")?.strip_prefix("Basic ")?).ok()?;
    let credentials = String::from_utf8(credentials).ok()?;
    let (name, password) = credentials.split_once(':')?;
    let known = |own: &&Login| own.name.eq_ignore_ascii_case(name) && own.password == password;
    world.accounts.iter().find(known).filter(|_| world.condition != Condition::DatabaseAway).cloned()
}

/// The parts of a path, decoded.
fn segments(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
}

/// An id in a path that is no number: the path is unknown to the container, not to the application.
struct NoNumber;

fn route(segments: &[String]) -> Result<Option<ApiPath<'_>>, NoNumber> {
    let number = |text: &str| text.parse::<i64>().map_err(|_| NoNumber);
    let part = |text: &str| match text {
        "free" => Some(FreeBusyPart::Free),
        "busy" => Some(FreeBusyPart::Busy),
        "freebusy" => Some(FreeBusyPart::Both),
        _ => None,
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    Ok(Some(match segments[..] {
        ["locations"] => ApiPath::Locations,
        ["locations", id] => ApiPath::Location(LocationId(number(id)?)),
        ["locations", id, "schedules"] => ApiPath::Schedules(LocationId(number(id)?)),
        ["locations", id, "users"] => ApiPath::Users(LocationId(number(id)?)),
        ["schedules", id] => ApiPath::Schedule(ScheduleId(number(id)?)),
        ["schedules", id, "appointmentTypes"] => ApiPath::Types(ScheduleId(number(id)?)),
        ["schedules", id, kind] => match part(kind) {
            Some(part) => ApiPath::ScheduleTime(ScheduleId(number(id)?), part),
            None => return Ok(None),
        },
        ["users", id] => ApiPath::User(UserId(number(id)?)),
        ["users", id, "locations"] => ApiPath::UserLocations(UserId(number(id)?)),
        ["users", id, "locations", at] => ApiPath::UserLocation(UserId(number(id)?), LocationId(number(at)?)),
        ["users", id, "locations", at, kind] => match part(kind) {
            Some(part) => ApiPath::UserTime(UserId(number(id)?), LocationId(number(at)?), part),
            None => return Ok(None),
        },
        ["bookings"] => ApiPath::Bookings,
        ["bookings", reference] => ApiPath::Booking(reference),
        _ => return Ok(None),
    }))
}

fn dispatch(
    world: &mut World,
    route: &ApiPath<'_>,
    asked: &ArrivedRequest,
    query: &str,
    account: &Login,
    now: DateTime<Utc>,
) -> SentAnswer {
    let allow = if matches!(route, ApiPath::Bookings) {
        "POST,OPTIONS"
    } else if matches!(route, ApiPath::Booking(_)) {
        "GET,DELETE,OPTIONS"
    } else {
        "GET,OPTIONS"
    };
    match (asked.method.as_str(), route) {
        ("OPTIONS", _) => pages::description(allow),
        ("POST", ApiPath::Bookings) => submit(world, asked, account, now),
        ("DELETE", ApiPath::Booking(reference)) => match world.cancel_booking(reference, account) {
            Ok(()) => pages::empty(204),
            Err(refusal) => pages::refused(refusal),
        },
        ("GET" | "HEAD", route) if !matches!(route, ApiPath::Bookings) => {
            let mut answered = read(world, route, asked, query);
            if asked.method == "HEAD" {
                answered.body.clear();
            }
            answered
        }
        _ => pages::page(405, "").with_header("allow", allow),
    }
}

fn submit(world: &mut World, asked: &ArrivedRequest, account: &Login, now: DateTime<Utc>) -> SentAnswer {
    let content_type = asked.header("content-type").unwrap_or("");
    if !content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return pages::page(415, "");
    }
    if accepted(asked, "text", "plain").is_none() {
        return pages::page(406, "");
    }
    match world.submit(&asked.body, account, now) {
        Ok(reference) => {
            let host = asked.header("host").unwrap_or("localhost");
            let location = format!("http://{host}{BASE}/bookings/{reference}");
            SentAnswer { status: 201, ..pages::text(200, reference) }.with_header("location", location)
        }
        Err(refusal) => pages::refused(refusal),
    }
}

fn read(world: &World, route: &ApiPath<'_>, asked: &ArrivedRequest, query: &str) -> SentAnswer {
    let Some(parameters) = accepted(asked, "application", "json") else { return pages::page(406, "") };
    match told(world, route, query) {
        Ok(value) => pages::json(&parameters, &value),
        Err(refusal) => pages::refused(refusal),
    }
}

fn told(world: &World, route: &ApiPath<'_>, query: &str) -> Result<Value, PageRefusal> {
    Ok(match *route {
        ApiPath::Locations => value(&world.locations_told()),
        ApiPath::Location(id) => value(&world.location_told(world.location_listed(id)?)),
        ApiPath::Schedules(id) => value(&world.schedules_told(world.location_listed(id)?.id)),
        ApiPath::Users(id) => value(&world.users_told(world.location_listed(id)?.id)),
        ApiPath::Schedule(id) => value(&schedule_told(world.schedule_online(id)?)),
        ApiPath::Types(id) => value(&world.types_told(world.schedule_online(id)?)),
        ApiPath::ScheduleTime(id, part) => {
            let window = window(query)?;
            let found = world.free_busy(world.schedule_online(id)?, window);
            let ranges = |spans: &[Span]| spans.iter().map(|span| range(world, *span)).collect();
            parts(part, ranges(&found.free), ranges(&found.busy), None)
        }
        ApiPath::User(id) => value(&user_told(world.user_listed(id)?)),
        ApiPath::UserLocations(id) => value(&world.user_locations_told(world.user_listed(id)?)),
        ApiPath::UserLocation(id, at) => value(&world.location_told(world.user_location(world.user_listed(id)?, at)?)),
        ApiPath::UserTime(id, at, part) => {
            let window = window(query)?;
            world.user_location(world.user_listed(id)?, at)?;
            let found = world.user_free_busy(id, at, window);
            let ranges = |own: &[Ranged]| own.iter().map(|own| scheduled(world, own)).collect();
            parts(part, ranges(&found.free), ranges(&found.busy), Some(id))
        }
        ApiPath::Booking(reference) => value(&world.retrieve(reference)?),
        // Not reached: this path takes only POST.
        ApiPath::Bookings => Value::Null,
    })
}

/// Plain structs of texts and numbers always become JSON.
fn value(told: &impl Serialize) -> Value {
    serde_json::to_value(told).unwrap_or_default()
}

fn range(world: &World, span: Span) -> Value {
    json!({"start": dates::written(&world.zone, span.start), "end": dates::written(&world.zone, span.end)})
}

fn scheduled(world: &World, own: &Ranged) -> Value {
    let mut told = range(world, own.span);
    told["schedule"] = own.schedule.0.into();
    told
}

fn parts(part: FreeBusyPart, free: Vec<Value>, busy: Vec<Value>, user: Option<UserId>) -> Value {
    match (part, user) {
        (FreeBusyPart::Free, _) => free.into(),
        (FreeBusyPart::Busy, _) => busy.into(),
        (FreeBusyPart::Both, None) => json!({"free": free, "busy": busy}),
        (FreeBusyPart::Both, Some(user)) => json!({"user": user.0, "free": free, "busy": busy}),
    }
}

/// The window of a question.
fn window(query: &str) -> Result<AskedWindow, PageRefusal> {
    let (from, to) = (date_parameter(query, "from")?, date_parameter(query, "to")?);
    let slots = parameter(query, "slots").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    Ok(AskedWindow { from, to, slots })
}

fn date_parameter(query: &str, name: &str) -> Result<DateTime<FixedOffset>, PageRefusal> {
    let Some(text) = parameter(query, name) else {
        return Err(PageRefusal::Bad(format!("Missing '{name}' parameter")));
    };
    let date = dates::from_query(&text);
    date.ok_or_else(|| PageRefusal::Bad(format!("Parameter '{name}' is not a valid ISO date/time: {text}")))
}

/// A parameter, decoded as a form is: a plus is a blank.
fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, text) = pairs.into_iter().find(|(own, _)| *own == name)?;
    Some(percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned())
}

/// True where a media type is acceptable: the parameters that its answer carries
/// (`;charset=utf-8`), mostly none.
fn accepted(asked: &ArrivedRequest, kind: &str, subkind: &str) -> Option<String> {
    let accept = asked.header("accept").unwrap_or("*/*");
    accept.split(',').find_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let (own_kind, own_subkind) = parts.next()?.split_once('/')?;
        let exact = own_kind.eq_ignore_ascii_case(kind) && own_subkind.eq_ignore_ascii_case(subkind);
        let wild = own_subkind == "*" && (own_kind == "*" || own_kind.eq_ignore_ascii_case(kind));
        let parameters = parts.filter(|parameter| exact && !parameter.starts_with("q="));
        (exact || wild).then(|| parameters.map(|parameter| format!(";{parameter}")).collect())
    })
}
