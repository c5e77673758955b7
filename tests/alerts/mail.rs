//! Mails over a connection of each kind.

use std::path::Path;
use std::time::Duration;

use chrono::DateTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use vetbridge::alerts::concern::{About, AlertKind, AlertMessage, Concern};
use vetbridge::alerts::failure::{MailFailure, NotArrived};
use vetbridge::alerts::letter::Letter;
use vetbridge::config::{self, Config};
use vetbridge::http_clients;
use vetbridge::ids::PracticeId;
use vetbridge::messages::alerts::Terms;

use crate::clinic::configuration::LEAST;
use crate::mail_server::{Encryption, MailServer};

const LOGIN: &str = "username = \"bridge\"\npassword = \"smtp-hunter2\"\n";

fn configuration(server: &str, email: &str) -> Config {
    let authority = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls/ca.pem");
    let text = format!(
        "{LEAST}\n[alerts]\nca_file = \"{}\"\n[alerts.email]\nserver = \"{server}\"\nfrom = \"Bridge <bridge@vet.example>\"\n\
         {email}",
        authority.display()
    );
    config::parse(Path::new("vetbridge.toml"), &text, &|_| Err(std::env::VarError::NotPresent)).unwrap()
}

fn letter() -> Letter {
    let concern = Concern {
        practice: Some(PracticeId("1234567".into())),
        about: About::OutOfStep,
        // Letters beyond ASCII, and a line that a mail server must not take for the end.
        sentence: "Zoë's schedule\r\n.\r\nis away.".into(),
        since: DateTime::UNIX_EPOCH,
        puts_out_of_step: false,
        outage: None,
        tells_of_outage: false,
    };
    let message = AlertMessage { kind: AlertKind::Begun, concerns: vec![concern] };
    Letter::new(message, DateTime::UNIX_EPOCH, &Terms::default())
}

#[tokio::test]
async fn the_certificate_of_the_mail_server_is_known_once_it_was_reached() {
    for (encryption, scheme) in [(Encryption::StartTls, "smtp"), (Encryption::FromTheStart, "smtps")] {
        let server = MailServer::open_with(encryption, false).await;
        let config = configuration(&format!("{scheme}://127.0.0.1:{}", server.port), TO);
        let channels = http_clients::alerts(config.alerts.as_ref().unwrap(), &config.source).unwrap();
        let way = &channels.receivers[0].way;
        assert_eq!(way.shown_certificates().unwrap().last(), None);
        way.tell(&letter()).await.unwrap();
        let shown = way.shown_certificates().unwrap().last().unwrap();
        let own = shown.own.unwrap();
        assert_eq!((own.name.as_deref(), own.end), (Some("127.0.0.1"), "2120-01-01T00:00:00Z".parse().unwrap()));
        assert!(shown.is_accepted && shown.intermediates.is_empty());
    }
}

/// Sends a letter to everybody; what came of each.
async fn sent(server: &str, email: &str) -> Vec<Result<(), NotArrived>> {
    let config = configuration(server, email);
    let channels = http_clients::alerts(config.alerts.as_ref().unwrap(), &config.source).unwrap();
    let letter = letter();
    let mut outcomes = Vec::new();
    for receiver in &channels.receivers {
        outcomes.push(receiver.way.tell(&letter).await);
    }
    outcomes
}

const TO: &str = "to = [\"reception@vet.example\"]\n";

#[tokio::test]
async fn a_mail_arrives_over_each_kind_of_connection_with_and_without_a_login() {
    use Encryption::{FromTheStart, Never, StartTls};
    for (encryption, scheme, keys) in [
        (Never, "smtp", ""),
        (Never, "smtp", "starttls = false\n"),
        (StartTls, "smtp", ""),
        (StartTls, "smtp", "starttls = true\n"),
        (StartTls, "smtp", "starttls = false\n"),
        (FromTheStart, "smtps", ""),
    ] {
        for login in ["", LOGIN] {
            let is_plain = encryption == Never || keys.contains("false");
            if encryption == StartTls && is_plain && !login.is_empty() {
                continue; // This server takes no login in the clear.
            }
            let server = MailServer::open_with(encryption, !login.is_empty()).await;
            let outcome = sent(&format!("{scheme}://127.0.0.1:{}", server.port), &format!("{keys}{login}{TO}")).await;
            assert_eq!(outcome, [Ok(())], "{encryption:?} {keys}{login}");
            let mails = server.mails();
            assert_eq!(mails.len(), 1, "{encryption:?} {keys}{login}");
            let mail = &mails[0];
            assert_eq!(
                (mail.from.as_str(), &mail.to),
                ("bridge@vet.example", &vec!["reception@vet.example".to_owned()])
            );
            assert_eq!(mail.user.as_deref(), (!login.is_empty()).then_some("bridge"));
            for part in
                ["Subject: vetbridge: practice 1234567 needs a person\r\n", "From: Bridge <bridge@vet.example>\r\n"]
            {
                assert!(mail.text.contains(part), "{part}: {}", mail.text);
            }
            assert!(mail.text.contains("Message-ID: <0.") && mail.text.contains("Zo=C3=AB's"), "{}", mail.text);
        }
    }
}

#[tokio::test]
async fn each_of_several_mailboxes_gets_its_own_mail_and_one_that_is_refused_holds_up_none() {
    let server = MailServer::open().await;
    let to = "to = [\"nobody@vet.example\", \"reception@vet.example\", \"it@vet.example\"]\n";
    let outcomes = sent(&format!("smtp://127.0.0.1:{}", server.port), to).await;
    let Err(NotArrived::Mail(MailFailure::Refused(why))) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert!(why.contains("550"), "{why}");
    assert_eq!(outcomes[1..], [Ok(()), Ok(())]);
    let to: Vec<_> = server.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, [["reception@vet.example"], ["it@vet.example"]]);
}

#[tokio::test]
async fn nothing_is_sent_in_the_clear_where_encryption_is_wanted_and_a_refused_login_says_so() {
    let plain = MailServer::open().await;
    let url = format!("smtp://127.0.0.1:{}", plain.port);
    assert_eq!(sent(&url, &format!("starttls = true\n{TO}")).await, [Err(NotArrived::Mail(MailFailure::NoStartTls))]);
    assert!(plain.mails().is_empty());
    let strict = MailServer::open_with(Encryption::FromTheStart, true).await;
    let url = format!("smtps://127.0.0.1:{}", strict.port);
    let outcome = sent(&url, &format!("username = \"bridge\"\npassword = \"hunter3\"\n{TO}")).await;
    assert!(
        matches!(&outcome[0], Err(NotArrived::Mail(MailFailure::Login(why))) if why.contains("535")),
        "{outcome:?}"
    );
    // The certificate is for the address.
    let outcome = sent(&format!("smtps://localhost:{}", strict.port), TO).await;
    assert!(matches!(&outcome[0], Err(NotArrived::Call(error)) if error.detail.contains("certificate")), "{outcome:?}");
    assert!(strict.mails().is_empty());
}

/// A server that says this after each line that it reads.
async fn babbler(greeting: Vec<u8>, after_each: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut tcp, _) = listener.accept().await.unwrap();
            let (greeting, after_each) = (greeting.clone(), after_each.clone());
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                let _gone = tcp.write_all(&greeting).await;
                while tcp.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    let _gone = tcp.write_all(&after_each).await;
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn a_server_that_says_too_much_or_anything_before_the_encryption_is_given_up() {
    let endless = vec![b'2'; 4 * 1024 * 1024];
    let (hello, twice) = (b"220 x\r\n".to_vec(), b"250-x\r\n250 STARTTLS\r\n".to_vec());
    // What follows the answer to STARTTLS in the clear was put there by somebody else.
    let injected = b"220 go\r\n250 injected\r\n".to_vec();
    for (greeting, after_each, keys) in [
        (endless.clone(), vec![], "starttls = true\n"),
        (endless.clone(), vec![], "starttls = false\n"),
        (hello.clone(), endless.clone(), "starttls = false\n"),
        (hello.clone(), endless, ""),
        ([hello.clone(), twice.clone(), injected.clone()].concat(), vec![], ""),
        (hello, [twice, injected].concat(), ""),
    ] {
        let port = babbler(greeting, after_each).await;
        let (url, keys) = (format!("smtp://127.0.0.1:{port}"), format!("{keys}{TO}"));
        let outcome = tokio::time::timeout(Duration::from_secs(20), sent(&url, &keys)).await.expect("it is given up");
        let is_given_up = matches!(
            &outcome[0],
            Err(NotArrived::Mail(
                MailFailure::Connection(_)
                    | MailFailure::Encryption(_)
                    | MailFailure::Refused(_)
                    | MailFailure::NotNow(_)
            ))
        );
        assert!(is_given_up, "{outcome:?}");
    }
}

#[tokio::test]
async fn where_nobody_listens_the_mail_server_is_named_as_what_cannot_be_reached() {
    let port = crate::clinic::free_port().await;
    let outcome = sent(&format!("smtp://127.0.0.1:{port}"), TO).await;
    assert!(matches!(&outcome[0], Err(NotArrived::Mail(MailFailure::Connection(_)))), "{outcome:?}");
}
