//! How Tomcat reads the path of a request, as far as that decides which web application gets it: a model of
//! `CoyoteAdapter.postParseRequest` (Tomcat 10.1). A proxy that reads a path in another way can be walked around.

use percent_encoding::percent_decode_str;

/// The paths that Tomcat may serve for a target of a request line: one for each setting of its connector that changes them
/// (`encodedSolidusHandling`). Where Tomcat's default refuses a path, such as one with a backslash, the lenient setting counts.
/// Empty where it serves none.
pub(crate) fn served(target: &str) -> Vec<String> {
    let path = match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => rest.find(['/', '?']).map_or("/", |at| &rest[at..]),
        _ => target,
    };
    let path = path.split('?').next().unwrap_or_default();
    let passed_through = path.replace("%2f", "%252f").replace("%2F", "%252F");
    let mut served: Vec<String> = [path, &passed_through].into_iter().filter_map(served_decoding).collect();
    served.dedup();
    served
}

/// The same where every escape is undone.
fn served_decoding(path: &str) -> Option<String> {
    // Parameters go first, segment by segment, as they were sent.
    let without_parameters = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    let without_parameters = without_parameters.collect::<Vec<_>>().join("/");
    let decoded = percent_decode_str(&without_parameters).decode_utf8().ok()?.replace('\\', "/");
    if !decoded.starts_with('/') || decoded.contains('\0') {
        return None;
    }
    let mut segments = Vec::new();
    for segment in decoded.split('/') {
        match segment {
            "" | "." => {}
            // Above the root there is nothing.
            ".." => drop(segments.pop()?),
            segment => segments.push(segment),
        }
    }
    let end = if decoded.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    Some(format!("/{}{end}", segments.join("/")))
}

/// Paths below this one that a proxy could take for harmless: the segments below, in every order up to two of them, and
/// a hundred orders or more of three and of four.
pub(crate) fn nasty_below(prefix: &str) -> Vec<String> {
    const SEGMENTS: [&str; 19] = [
        "v2",
        "..",
        ".",
        "",
        "..;",
        "..;x=y",
        ";",
        ";/..",
        "..%3b",
        "%2e%2e",
        "%2E%2e;",
        ".%2e;a",
        "..%2f..",
        "a%2Fb",
        "..\\..",
        "..%5c",
        "v2;/../..",
        "..%00",
        "%252e%252e",
    ];
    let count = SEGMENTS.len();
    let mut paths = Vec::new();
    for (length, step) in [(1, 1), (2, 1), (3, 53), (4, 1301)] {
        for number in (0..count.pow(length)).step_by(step) {
            let segments: Vec<&str> = (0..length).map(|place| SEGMENTS[number / count.pow(place) % count]).collect();
            paths.push(format!("{prefix}{}/app", segments.join("/")));
        }
    }
    paths
}

#[test]
fn tomcat_cuts_off_parameters_before_it_follows_dots() {
    for (target, path) in [
        ("/openvpms/ws/booking/v2/locations", "/openvpms/ws/booking/v2/locations"),
        ("/openvpms/ws/booking/v2/bookings/603%3Abe08?x=/../", "/openvpms/ws/booking/v2/bookings/603:be08"),
        ("http://10.8.0.1/openvpms/?x", "/openvpms/"),
        ("/openvpms/ws/booking/..;/../app", "/openvpms/app"),
        ("/openvpms/ws/booking/..;x/../ws/customer", "/openvpms/ws/customer"),
        ("/openvpms/ws/booking/a/..;/../..;/../manager", "/manager"),
        ("/openvpms/ws/booking/%2e%2e;/%2e%2e/app", "/openvpms/app"),
        ("/openvpms//ws/./booking;a=b/..%3b/app", "/openvpms/ws/booking/..;/app"),
        ("/openvpms/ws/booking/%252e%252e/app", "/openvpms/ws/booking/%2e%2e/app"),
    ] {
        assert_eq!(served(target), [path], "{target}");
    }
    assert_eq!(served("/openvpms/a%2fb/../app"), ["/openvpms/a/app", "/openvpms/app"]);
    for refused in ["/..", "/openvpms/../..;/x", "/a%00", "*"] {
        assert_eq!(served(refused), [""; 0], "{refused}");
    }
}
