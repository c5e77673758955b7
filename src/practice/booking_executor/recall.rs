//! Recognises clients who book, and reads bookings back to learn whom OpenVPMS attached.
//!
//! Reading back comes after the answer to the pet owner and in a task of its own, through the
//! background's door: it can neither delay nor spoil a confirmation. A server that answers 500 for
//! every booking is not asked twice, one that is away only a few times; what is not learnt from
//! this booking is learnt from the next.

use std::sync::Arc;
use std::time::Duration;

use super::executor::Executor;
use super::request::RequestAndClient;
use crate::booking::diary_watch::DiaryAnswer;
use crate::booking::entry::State;
use crate::healthengine::BookingRequest;
use crate::ids::BookingReference;
use crate::metrics::on_behalf_of::OnBehalfOf;
use crate::openvpms::CustomerName;
use crate::pet_owner::contact;
use crate::pet_owner::known_clients::{Lesson, lesson};

/// How long after one attempt the next follows; the first waits until everything that hurries is
/// done.
const ATTEMPTS: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(30), Duration::from_secs(120), Duration::from_secs(600)];

/// While more bookings wait for an answer none is read back: each reading takes a call from them.
const WAITING_MAX: usize = 16;

impl Executor {
    /// Sees whether the patient is a client who is remembered.
    pub(super) fn asked(&self, request: BookingRequest) -> RequestAndClient {
        let labels = &self.context.settings.bookings.patient_name_labels;
        let typed = contact::contact(&request.patient, request.reason.as_deref(), labels);
        let recalled = self.context.shared.clients.recall(&typed, self.context.now());
        let (practice, booking) = (self.context.id(), request.booking_id);
        tracing::trace!(%practice, %booking, recalled = recalled.is_some(), "client memory");
        RequestAndClient { request, typed, recalled }
    }

    /// Reads a booking back soon, if an appointment was made for it.
    pub(super) fn learn_from(self: &Arc<Self>, asked: RequestAndClient) {
        // While many wait the clinic's server has calls enough to answer.
        if self.context.settings.bookings.client_memory_days == 0 || self.lists.bookings_waiting() > WAITING_MAX {
            return;
        }
        let Ok(Some(entry)) = self.context.shared.ledger.get(asked.request.booking_id) else { return };
        let Some(reference) = entry.reference else { return };
        if !matches!(entry.state, State::Inserted | State::Confirmed) {
            return;
        }
        let Ok(turn) = Arc::clone(&self.context.shared.clients.readers).try_acquire_owned() else { return };
        let own = Arc::clone(self);
        let whom = OnBehalfOf::booking(self.context.id(), asked.request.booking_id);
        self.context.spawn("bookings that are read back", async move {
            tokio::select! {
                biased;
                () = own.context.stop.cancelled() => {}
                () = whom.does(own.read_back(&reference, &asked)) => {}
            }
            drop(turn);
        });
    }

    async fn read_back(&self, reference: &BookingReference, asked: &RequestAndClient) {
        for pause in ATTEMPTS {
            tokio::time::sleep(pause).await;
            match DiaryAnswer::from(self.context.openvpms.background.booking(reference).await) {
                DiaryAnswer::Stands(booking) => return self.learn(booking.customer.as_ref(), asked),
                DiaryAnswer::Gone | DiaryAnswer::Silent => return,
                DiaryAnswer::Unknown => {}
            }
        }
    }

    fn learn(&self, attached: Option<&CustomerName>, asked: &RequestAndClient) {
        let clients = &self.context.shared.clients;
        let lesson = lesson(attached, asked.recalled.as_ref());
        let (practice, booking) = (self.context.id(), asked.request.booking_id);
        tracing::trace!(%practice, %booking, lesson = lesson.name(), "client memory");
        match lesson {
            Lesson::Remember(client) => clients.remember(&asked.typed, &client, self.context.now()),
            Lesson::Forget(client) => clients.forget(&asked.typed, &client),
            Lesson::Nothing => {}
        }
    }
}
