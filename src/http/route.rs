//! What a call is called wherever people read of it: its method and its path, without ids.

use super::Method;

/// `POST bookings/{id}/confirmInsert`: each segment of the path that is none of the API's `words`
/// is an id, and the query is left out.
pub fn template(method: Method, path: &str, words: &[&str]) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    let named: Vec<&str> = segments.map(|own| if words.contains(&own) { own } else { "{id}" }).collect();
    format!("{method} {}", named.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_without_ids_and_parameters() {
        let words = ["schedules", "freebusy", "requests"];
        let named = |path| template(Method::Get, path, &words);
        assert_eq!(named("/schedules/136/freebusy?from=2027-02-15&to=x"), "GET schedules/{id}/freebusy");
        assert_eq!(named("/requests"), "GET requests");
        assert_eq!(named("/requests/Judith%20Smith"), "GET requests/{id}", "whatever stands there");
    }
}
