//! Rejects what the document features of a former integration left open: OpenVPMS's booking API has no documents.
//!
//! In a task of its own, a bounded number at a time: nobody waits for a document as for a booking. What is not rejected is listed
//! again at the next poll. What Healthengine lists although it refuses the rejection is left alone until the next start.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::Practice;
use super::calls::Call;
use super::lists;
use crate::healthengine::RequestKind;
use crate::messages::updates as say;
use crate::remote::{Answer, ErrorClass};

/// So many are rejected for one poll.
const REJECTED_MAX: usize = 50;
/// No more refusals than these are remembered.
const REFUSED_MAX: usize = 1_000;

/// What is asked of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Document {
    /// To be sent to Healthengine.
    Upload,
    /// To be filed in the practice's system.
    Attach,
}

impl Document {
    /// What Healthengine calls it.
    pub(super) fn kind(self) -> RequestKind {
        match self {
            Self::Upload => RequestKind::UploadDocuments,
            Self::Attach => RequestKind::AttachDocuments,
        }
    }
}

/// Rejections that Healthengine refused; held while some are sent.
type Refused = BTreeSet<String>;

/// One at a time of each kind.
#[derive(Debug, Default)]
pub(super) struct Documents {
    uploads: Arc<AsyncMutex<Refused>>,
    attachments: Arc<AsyncMutex<Refused>>,
}

impl Documents {
    fn of(&self, document: Document) -> &Arc<AsyncMutex<Refused>> {
        match document {
            Document::Upload => &self.uploads,
            Document::Attach => &self.attachments,
        }
    }
}

impl Practice {
    /// Starts to reject such requests, unless that is going on.
    pub(super) fn reject_documents(self: &Arc<Self>, document: Document) {
        let Ok(refused) = Arc::clone(self.documents.of(document)).try_lock_owned() else { return };
        let practice = Arc::clone(self);
        self.spawn("documents", async move {
            let rejected = async {
                match document {
                    Document::Upload => practice.reject_uploads(refused).await,
                    Document::Attach => practice.reject_attachments(refused).await,
                }
            };
            tokio::select! {
                biased;
                () = practice.stop.cancelled() => {}
                outcome = rejected => practice.heard(Call::Documents(document), outcome.as_ref().copied()),
            }
        });
    }

    async fn reject_uploads(&self, mut refused: OwnedMutexGuard<Refused>) -> Answer<()> {
        let (requests, _) = self.all_pages(lists::UPLOADS, |page| self.healthengine.upload_requests(page)).await?;
        let named = requests.iter().map(|own| (format!("{}/{}", own.booking_id, own.pms_document_id), own));
        let named: Vec<_> = named.filter(|(name, _)| !refused.contains(name)).take(REJECTED_MAX).collect();
        for (name, request) in named {
            let answer = self.healthengine.reject_upload(request, say::NO_DOCUMENTS).await;
            self.rejected(answer, name, &mut refused)?;
        }
        self.say_rejected("uploadDocuments");
        Ok(())
    }

    async fn reject_attachments(&self, mut refused: OwnedMutexGuard<Refused>) -> Answer<()> {
        let (requests, _) = self.all_pages(lists::ATTACHMENTS, |page| self.healthengine.attach_requests(page)).await?;
        let named = requests.into_iter().map(|own| (own.to_string(), own));
        let named: Vec<_> = named.filter(|(name, _)| !refused.contains(name)).take(REJECTED_MAX).collect();
        for (name, request) in named {
            let answer = self.healthengine.reject_attachment(request, say::NO_DOCUMENTS).await;
            self.rejected(answer, name, &mut refused)?;
        }
        self.say_rejected("attachDocuments");
        Ok(())
    }

    /// A rejection that is refused was given before, as a rule, and holds up no other.
    fn rejected(&self, answer: Answer<()>, name: String, refused: &mut Refused) -> Answer<()> {
        match answer {
            Err(error) if error.class == ErrorClass::Refused => {
                tracing::debug!(practice = %self.id(), "Healthengine refused the rejection of a document: {error}.");
                if refused.len() < REFUSED_MAX {
                    refused.insert(name);
                }
                Ok(())
            }
            outcome => outcome,
        }
    }
}
