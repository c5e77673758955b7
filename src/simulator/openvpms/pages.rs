//! The shapes of answers: JSON, a line of text, the pages of the container in front of the
//! application, refusals.

use serde::Serialize;

use crate::simulator::exchange::SentAnswer;

/// Why there is no answer of the usual kind.
pub(super) enum PageRefusal {
    /// The application says no, in a line of plain text: 400.
    Bad(String),
    /// It does not know, or does not tell of, what was asked for: 404 with a line of plain text.
    NotFound(&'static str),
    /// 500 with a page that shows what broke, and perhaps what was posted.
    Broken(String),
}

/// A refusal as it is sent.
pub(super) fn refused(refusal: PageRefusal) -> SentAnswer {
    match refusal {
        PageRefusal::Bad(line) => text(400, line),
        PageRefusal::NotFound(line) => text(404, line),
        PageRefusal::Broken(trace) => page(500, &trace),
    }
}

/// A JSON answer, with the parameters of the media type that was asked for.
pub(super) fn json(parameters: &str, value: &impl Serialize) -> SentAnswer {
    match serde_json::to_vec(value) {
        Ok(body) => with_type(200, &format!("application/json{parameters}"), body),
        Err(error) => page(500, &error.to_string()),
    }
}

/// A line of plain text. A 400 ends the connection.
pub(super) fn text(status: u16, text: impl Into<String>) -> SentAnswer {
    closing(with_type(status, "text/plain", text.into().into_bytes()))
}

/// A page of the container, with some detail below its title. A 400 and a 500 end the connection.
pub(super) fn page(status: u16, detail: &str) -> SentAnswer {
    let title = format!("HTTP Status {status} – {}", reason(status));
    let detail = detail.replace('&', "&amp;").replace('<', "&lt;");
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><title>{title}</title></head>\
         <body><h1>{title}</h1><pre>{detail}</pre></body></html>"
    );
    closing(with_type(status, "text/html;charset=utf-8", body.into_bytes()))
}

/// Nothing but a status.
pub(super) fn empty(status: u16) -> SentAnswer {
    SentAnswer { status, headers: Vec::new(), body: Vec::new() }
}

/// A short description of what can be asked of a path.
pub(super) fn description(allow: &str) -> SentAnswer {
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
                <application xmlns=\"http://wadl.dev.java.net/2009/02\"/>";
    with_type(200, "application/vnd.sun.wadl+xml", body.as_bytes().to_vec()).with_header("allow", allow)
}

/// The login page, to which everything outside of the services leads.
pub(super) fn login() -> SentAnswer {
    let body = "<!doctype html><html><head><title>OpenVPMS login</title></head><body><form/></body></html>";
    with_type(200, "text/html;charset=utf-8", body.as_bytes().to_vec())
}

fn with_type(status: u16, content_type: &str, body: Vec<u8>) -> SentAnswer {
    SentAnswer { status, headers: vec![("content-type".to_owned(), content_type.to_owned())], body }
}

fn closing(answered: SentAnswer) -> SentAnswer {
    if matches!(answered.status, 400 | 500) { answered.with_header("connection", "close") } else { answered }
}

fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        415 => "Unsupported Media Type",
        _ => "Internal Server Error",
    }
}
