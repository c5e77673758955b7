//! The state as text: what `vetbridge state export` writes and `state import` reads.
//!
//! JSON lines. The first says what the file is and carries what is no record: the store's own data
//! and the key of pseudonyms. Then comes a line for each record, in order of keys, and last a line
//! with their number and a SHA-256 of all lines before it, so that a file that was cut off or
//! changed is known. Nothing is taken from a file that is not whole.
//!
//! ```text
//! {"format":"vetbridge-state","version":1,"program":"0.1.0","exported_at":"…","meta":{…},
//!  "pseudonym_key":"…"}
//! {"key":"booking/00000000000036127212","v":1,"data":{…}}
//! {"end":{"records":1,"sha256":"…"}}
//! ```

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ring::digest;
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::BadExport;
use super::kinds::{RecordKind, Travel};
use super::meta::Meta;
use super::parts::VALUE_BYTES_MAX;
use super::record::{KEY_BYTES_MAX, check_key};
use super::secret_file::{SecretKey, from_hex};
use crate::dates;
use crate::hex;

const FORMAT: &str = "vetbridge-state";
const VERSION: u32 = 1;
/// No line of ours is longer: a record, its key (each of whose bytes JSON can make six of), and
/// what stands around them.
const LINE_BYTES_MAX: usize = VALUE_BYTES_MAX + 6 * KEY_BYTES_MAX + 1024;
/// The first line is shorter.
const HEAD_BYTES_MAX: usize = 1024;
/// So many bytes are written at one go.
const WRITTEN_BYTES: usize = 64 * 1024;
/// Far more than what a busy clinic keeps.
const RECORDS_MAX: usize = 10_000_000;

/// What an export says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportHead {
    /// When it was made.
    pub exported_at: DateTime<Utc>,
    /// What the store knew about itself.
    pub meta: Meta,
}

/// What a state directory holds that travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// What it says of itself.
    pub head: ExportHead,
    /// Records by their whole keys, each as the database has it.
    pub records: BTreeMap<String, Arc<str>>,
}

/// The first line. Its key is a text that is wiped by who has it: borrowed to be written, owned
/// when it was read.
#[derive(Serialize, Deserialize)]
struct Head<K> {
    format: String,
    version: u32,
    /// Which program wrote it; for people.
    program: String,
    #[serde(flatten)]
    head: ExportHead,
    pseudonym_key: K,
}

/// The lines between.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportLine {
    key: String,
    v: u32,
    data: Value,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct LastLine {
    end: End,
}

#[derive(Serialize, Deserialize)]
struct End {
    records: usize,
    sha256: String,
}

/// A record as the database has it.
#[derive(Serialize)]
struct DatabaseRecord<'a> {
    v: u32,
    data: &'a Value,
}

impl Export {
    /// The whole text. It holds the key of pseudonyms: write it where nobody else can read it.
    ///
    /// # Errors
    /// A record is no JSON, which no record of ours is.
    pub fn to_text(&self, key: &SecretKey) -> io::Result<Zeroizing<String>> {
        // With room for all of it, so that no copy of the key is left behind when it grows.
        let bytes: usize = self.records.iter().map(|(key, text)| 2 * key.len() + text.len() + 64).sum();
        let mut text = Zeroizing::new(Vec::with_capacity(bytes + 2 * HEAD_BYTES_MAX));
        let mut writer = ExportWriter::begin(&mut *text, &self.head, key)?;
        self.records.iter().try_for_each(|(key, stored)| writer.record(key, stored))?;
        writer.end()?;
        let text = String::from_utf8(std::mem::take(&mut *text));
        text.map(Zeroizing::new).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    /// Reads and checks a whole export; every record must be one that this program can read.
    /// Nothing is taken over yet.
    ///
    /// # Errors
    /// The first line that is wrong, and what to do.
    pub fn read(from: impl Read, kinds: &[RecordKind]) -> Result<(Self, SecretKey), BadExport> {
        let (mut reader, head, key) = ExportReader::begin(from)?;
        let mut records = BTreeMap::new();
        while let Some((key, text)) = reader.next(|key, text| check(key, text, kinds))? {
            records.insert(key, text);
        }
        Ok((Self { head, records }, key))
    }
}

/// Writes an export, record by record.
pub struct ExportWriter<W> {
    out: W,
    /// Lines that are not written yet. The first line never is among them: it holds the key.
    waiting: Vec<u8>,
    digest: digest::Context,
    records: usize,
}

impl<W: Write> ExportWriter<W> {
    /// Writes the first line, which holds the key of pseudonyms.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(mut out: W, head: &ExportHead, key: &SecretKey) -> io::Result<Self> {
        let key = Zeroizing::new(hex::encode(key.bytes()));
        let head = Head {
            format: FORMAT.to_owned(),
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            head: head.clone(),
            pseudonym_key: key.as_str(),
        };
        let mut line = Zeroizing::new(Vec::with_capacity(HEAD_BYTES_MAX));
        serde_json::to_writer(&mut *line, &head)?;
        line.push(b'\n');
        let (waiting, mut digest) = (Vec::with_capacity(2 * WRITTEN_BYTES), digest::Context::new(&digest::SHA256));
        digest.update(&line);
        out.write_all(&line)?;
        Ok(Self { out, waiting, digest, records: 0 })
    }

    /// Writes a record, as the database has it. Records come in order of keys.
    ///
    /// # Errors
    /// It cannot be written, or is no JSON.
    pub fn record(&mut self, key: &str, stored: &str) -> io::Result<()> {
        #[derive(Deserialize)]
        struct StoredRecord {
            v: u32,
            data: Value,
        }
        let StoredRecord { v, data } = serde_json::from_str(stored)?;
        self.records += 1;
        self.line(&ExportLine { key: key.to_owned(), v, data })
    }

    /// Writes the last line. How many records there are.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end(mut self) -> io::Result<usize> {
        let end = End { records: self.records, sha256: hex::encode(self.digest.clone().finish().as_ref()) };
        self.line(&LastLine { end })?;
        self.out.write_all(&self.waiting)?;
        self.out.flush()?;
        Ok(self.records)
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let begin = self.waiting.len();
        serde_json::to_writer(&mut self.waiting, line)?;
        self.waiting.push(b'\n');
        self.digest.update(&self.waiting[begin..]);
        if self.waiting.len() >= WRITTEN_BYTES {
            self.out.write_all(&self.waiting)?;
            self.waiting.clear();
        }
        Ok(())
    }
}

/// Reads an export, record by record. It is whole if the last of them was followed by none and by
/// no error.
pub(super) struct ExportReader<R> {
    lines: LineReader<R>,
    records: usize,
    last_key: String,
}

impl<R: Read> ExportReader<R> {
    pub(super) fn begin(from: R) -> Result<(Self, ExportHead, SecretKey), BadExport> {
        let from = io::BufReader::new(from);
        let mut lines = LineReader { from, number: 0, digest: digest::Context::new(&digest::SHA256) };
        let (head, key) = head(&lines.next()?.ok_or(BadExport::NoExport)?)?;
        Ok((Self { lines, records: 0, last_key: String::new() }, head, key))
    }

    /// The next record, if `check` does not object to it; `None` at the end of a whole export.
    pub(super) fn next(
        &mut self,
        check: impl FnOnce(&str, &str) -> Result<(), String>,
    ) -> Result<Option<(String, Arc<str>)>, BadExport> {
        let so_far = hex::encode(self.lines.digest.clone().finish().as_ref());
        let line = self.lines.next()?.ok_or(BadExport::CutOff { after: self.lines.number })?;
        let bad = |problem: String| BadExport::Line { number: self.lines.number, problem };
        if let Ok(LastLine { end }) = serde_json::from_slice(&line) {
            return self.is_whole(&end, &so_far).map(|()| None);
        }
        let ExportLine { key, v, data } = serde_json::from_slice(&line).map_err(|error| bad(no_record(&error)))?;
        check_key(&key).map_err(|problem| bad(format!("its key cannot be used: {problem}")))?;
        let text = serde_json::to_string(&DatabaseRecord { v, data: &data }).map_err(|error| bad(no_record(&error)))?;
        if text.len() > VALUE_BYTES_MAX {
            return Err(bad("the record is too large".to_owned()));
        }
        if dates::holds_impossible(&data) {
            return Err(bad("a date in it is not from 1970 to 2199".to_owned()));
        }
        check(&key, &text).map_err(bad)?;
        if key <= self.last_key || self.records == RECORDS_MAX {
            let name = crate::messages::plain(&key);
            return Err(bad(format!("the record {name} is there twice or out of order, or there are too many")));
        }
        self.records += 1;
        self.last_key.clone_from(&key);
        Ok(Some((key, text.into())))
    }

    /// Compares what was read with what the last line says.
    fn is_whole(&mut self, end: &End, sha256: &str) -> Result<(), BadExport> {
        let number = self.lines.number;
        if self.lines.next()?.is_some() {
            return Err(BadExport::Line { number: number + 1, problem: "it follows the last line".to_owned() });
        }
        if end.records != self.records || end.sha256 != sha256 {
            return Err(BadExport::Changed);
        }
        Ok(())
    }
}

fn head(line: &[u8]) -> Result<(ExportHead, SecretKey), BadExport> {
    #[derive(Deserialize)]
    struct Format {
        format: String,
        version: u32,
    }
    match serde_json::from_slice::<Format>(line) {
        Ok(Format { format, version: VERSION }) if format == FORMAT => {}
        Ok(Format { format, version }) if format == FORMAT => return Err(BadExport::Newer { version, known: VERSION }),
        _ => return Err(BadExport::NoExport),
    }
    let bad = |problem: &str| BadExport::Line { number: 1, problem: problem.to_owned() };
    let head: Head<String> = serde_json::from_slice(line).map_err(|_| bad("a field is missing or has another type"))?;
    let pseudonym_key = Zeroizing::new(head.pseudonym_key);
    let key = from_hex(&pseudonym_key).ok_or_else(|| bad("the pseudonym key is none"))?;
    Ok((head.head, key))
}

/// Whether a record can be taken over by this program.
fn check(key: &str, text: &str, kinds: &[RecordKind]) -> Result<(), String> {
    let name = crate::messages::plain(key);
    match RecordKind::of(key, kinds) {
        None => Err(format!("the record {name} is of a kind that this program does not know; is it an older program?")),
        Some(kind) if kind.travel == Travel::StaysBehind => {
            Err(format!("the record {name} is of a kind that does not travel"))
        }
        Some(kind) => match kind.reread(text) {
            Ok(_) => Ok(()),
            Err(why) => Err(format!("the record {name} cannot be read: {why}")),
        },
    }
}

/// serde's own sentence can repeat a value.
fn no_record(error: &serde_json::Error) -> String {
    format!("it is no record (at column {})", error.column())
}

/// Lines of a bounded length, counted, with the digest of those that were read.
struct LineReader<R> {
    from: io::BufReader<R>,
    number: usize,
    digest: digest::Context,
}

impl<R: Read> LineReader<R> {
    /// Wiped: the first one holds a key.
    fn next(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, BadExport> {
        let mut line = Zeroizing::new(Vec::with_capacity(HEAD_BYTES_MAX));
        let read = self.from.by_ref().take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut line);
        read.map_err(|error| BadExport::Unreadable { reason: error.to_string() })?;
        if line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if line.len() > LINE_BYTES_MAX {
            // A device, or a file of another sort: its first line says that better.
            return Err(if self.number == 1 {
                BadExport::NoExport
            } else {
                BadExport::Line { number: self.number, problem: "it is too long".to_owned() }
            });
        }
        self.digest.update(&line);
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Note {
        text: String,
    }

    impl super::super::Record for Note {
        const KIND: &'static str = "note";
        const VERSION: u32 = 1;
    }

    #[derive(Serialize, Deserialize)]
    struct Secret(u8);

    impl super::super::Record for Secret {
        const KIND: &'static str = "secret";
        const VERSION: u32 = 1;
    }

    const KINDS: [RecordKind; 2] = [RecordKind::exported::<Note>(), RecordKind::stays_behind::<Secret>()];

    fn sample() -> (Export, SecretKey) {
        let record = |number: u32| {
            (format!("note/{number}"), format!(r#"{{"v":1,"data":{{"text":"Zoë \" \n {number}"}}}}"#).into())
        };
        let export = Export {
            head: ExportHead {
                exported_at: DateTime::UNIX_EPOCH,
                meta: Meta::new("5f0c".into(), DateTime::UNIX_EPOCH),
            },
            records: (0..5).map(record).collect(),
        };
        (export, SecretKey::from_bytes([7; 32]))
    }

    fn text() -> String {
        let (export, key) = sample();
        export.to_text(&key).unwrap().to_string()
    }

    fn refused(text: &str) -> String {
        Export::read(text.as_bytes(), &KINDS).unwrap_err().to_string()
    }

    #[test]
    fn an_export_reads_back_as_it_was_with_its_key() {
        let (export, key) = sample();
        let (read, read_key) = Export::read(text().as_bytes(), &KINDS).unwrap();
        assert_eq!((read, read_key.bytes()), (export, key.bytes()));
    }

    #[test]
    fn every_way_to_cut_an_export_off_is_noticed() {
        let text = text();
        for length in 0..text.len() - 1 {
            if text.is_char_boundary(length) {
                assert!(Export::read(&text.as_bytes()[..length], &KINDS).is_err(), "{length}");
            }
        }
        // A last line without its end is whole.
        assert!(Export::read(&text.as_bytes()[..text.len() - 1], &KINDS).is_ok());
    }

    #[test]
    fn every_byte_that_is_changed_is_noticed() {
        let text = text();
        for at in 0..text.len() - 1 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(Export::read(&bytes[..], &KINDS).is_err(), "byte {at}: {}", &text[at.saturating_sub(20)..at]);
        }
    }

    #[test]
    fn a_bad_line_is_named_by_its_number_with_what_is_wrong_and_without_its_content() {
        let with = |number: usize, line: &str| {
            let mut lines: Vec<String> = text().lines().map(str::to_owned).collect();
            lines[number - 1] = line.to_owned();
            lines.join("\n")
        };
        for (line, says) in [
            (r#"{"key":"note/3","v":1,"data":{"text":7}}"#, "the record note/3 cannot be read: a field is missing"),
            (r#"{"key":"note/3","v":9,"data":{"text":"Jane"}}"#, "is it an older program?"),
            (r#"{"key":"secret/3","v":1,"data":7}"#, "of a kind that does not travel"),
            (r#"{"key":"other/3","v":1,"data":7}"#, "of a kind that this program does not know"),
            (r#"{"key":"note/0","v":1,"data":{"text":"Jane"}}"#, "is there twice"),
            (r#"{"key":"","v":1,"data":{"text":"Jane"}}"#, "its key cannot be used"),
            (r#"{"key":"note/3","v":1,"data":{"text":"Jane"#, "it is no record"),
            ("Jane", "it is no record"),
        ] {
            let error = refused(&with(4, line));
            assert!(error.contains("line 4") && error.contains(says) && !error.contains("Jane"), "{error}");
        }
        assert!(refused(&(text() + "{}\n")).contains("line 8"), "after the end");
    }

    #[test]
    fn what_is_no_export_or_a_newer_one_is_called_so() {
        for text in ["", "\n", "{}", "[openvpms]\n", "{\"format\":\"x\",\"version\":1}\n"] {
            assert!(matches!(Export::read(text.as_bytes(), &KINDS), Err(BadExport::NoExport)), "{text}");
        }
        assert!(matches!(Export::read(std::io::repeat(b'x'), &KINDS), Err(BadExport::NoExport)));
        let newer = text().replacen("\"version\":1", "\"version\":2", 1);
        assert!(refused(&newer).contains("version 2"));
    }
}
