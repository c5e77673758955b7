//! Rejects what the document features of a former integration left open: OpenVPMS's booking API has
//! no documents.
//!
//! In a task of its own, a bounded number at a time: nobody waits for a document as for a booking.
//! What is not rejected is listed again at the next poll. What Healthengine lists although it
//! refuses the rejection is left alone until the next start.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::call_error::{Answer, ErrorClass};
use crate::messages::updates as say;
use crate::polling::Document;
use crate::polling::failed_calls::Call;
use crate::practice::context::Context;
use crate::practice::health::calls::CallHealth;
use crate::practice::lists::{self, Lists};

/// So many are rejected for one poll.
const REJECTED_MAX: usize = 50;
/// No more refusals than these are remembered.
const REFUSED_MAX: usize = 1_000;

/// Rejections that Healthengine refused; held while some are sent.
type Refused = BTreeSet<String>;

/// Rejects requests for documents, one at a time of each kind.
pub(super) struct DocumentRejections {
    context: Arc<Context>,
    calls: Arc<CallHealth>,
    lists: Arc<Lists>,
    uploads: Arc<AsyncMutex<Refused>>,
    attachments: Arc<AsyncMutex<Refused>>,
}

impl DocumentRejections {
    pub(super) fn new(context: Arc<Context>, calls: Arc<CallHealth>, lists: Arc<Lists>) -> Self {
        let (uploads, attachments) = (Arc::default(), Arc::default());
        Self { context, calls, lists, uploads, attachments }
    }

    fn of(&self, document: Document) -> &Arc<AsyncMutex<Refused>> {
        match document {
            Document::Upload => &self.uploads,
            Document::Attach => &self.attachments,
        }
    }
    /// Starts to reject such requests, unless that is going on.
    pub(super) fn reject(self: &Arc<Self>, document: Document) {
        let Ok(refused) = Arc::clone(self.of(document)).try_lock_owned() else { return };
        let own = Arc::clone(self);
        self.context.spawn("documents", async move {
            let rejected = async {
                match document {
                    Document::Upload => own.reject_uploads(refused).await,
                    Document::Attach => own.reject_attachments(refused).await,
                }
            };
            tokio::select! {
                biased;
                () = own.context.stop.cancelled() => {}
                outcome = rejected => own.calls.heard(Call::Documents(document), outcome.as_ref().copied()),
            }
        });
    }

    async fn reject_uploads(&self, mut refused: OwnedMutexGuard<Refused>) -> Answer<()> {
        let (requests, _) =
            self.lists.read(lists::UPLOADS, |page| self.context.healthengine.upload_requests(page)).await?;
        let named = requests.iter().map(|own| (format!("{}/{}", own.booking_id, own.pms_document_id), own));
        let named: Vec<_> = named.filter(|(name, _)| !refused.contains(name)).take(REJECTED_MAX).collect();
        for (name, request) in named {
            let answer = self.context.healthengine.reject_upload(request, say::NO_DOCUMENTS).await;
            self.rejected(answer, name, &mut refused)?;
        }
        self.say_rejected("uploadDocuments");
        Ok(())
    }

    async fn reject_attachments(&self, mut refused: OwnedMutexGuard<Refused>) -> Answer<()> {
        let (requests, _) =
            self.lists.read(lists::ATTACHMENTS, |page| self.context.healthengine.attach_requests(page)).await?;
        let named = requests.into_iter().map(|own| (own.to_string(), own));
        let named: Vec<_> = named.filter(|(name, _)| !refused.contains(name)).take(REJECTED_MAX).collect();
        for (name, request) in named {
            let answer = self.context.healthengine.reject_attachment(request, say::NO_DOCUMENTS).await;
            self.rejected(answer, name, &mut refused)?;
        }
        self.say_rejected("attachDocuments");
        Ok(())
    }

    fn say_rejected(&self, kind: &str) {
        if self.context.said.is_due(kind) {
            tracing::warn!(
                practice = %self.context.id(), request = kind,
                "Healthengine asks for documents, which OpenVPMS's booking API does not have; such requests are \
                 rejected."
            );
        }
    }

    /// A rejection that is refused was given before, as a rule, and holds up no other.
    fn rejected(&self, answer: Answer<()>, name: String, refused: &mut Refused) -> Answer<()> {
        match answer {
            Err(error) if error.class == ErrorClass::Refused => {
                tracing::debug!(practice = %self.context.id(), "Healthengine refused the rejection of a document: \
                                                                {error}.");
                if refused.len() < REFUSED_MAX {
                    refused.insert(name);
                }
                Ok(())
            }
            outcome => outcome,
        }
    }
}
