//! Healthengine's PMS API 1.9.0 as a model with state.
//!
//! # Model
//! One server for one consumer (its api-key). A *practice* grants consent and gives a key. What the
//! consumer sends replaces what it sent before: resources, appointment types, the liveness
//! contract, the day of a resource. Staff *link* resources and types to what pet owners see. From
//! linked resources and published days follow the times that can be *booked*; a booking waits in a
//! list until it is answered, and so does everything else that Healthengine wants.
//!
//! ```text
//!   configuration, availability ─▶ links ─▶ offer ─▶ pet_owners ─▶ bookings ─▶ requests ─▶ answers
//! ```
//! The API side is [`crate::simulator::exchange::Model`]: bytes in, bytes out, over HTTP or in
//! memory (`door`, `routes`). The other side is the methods of [`HealthengineModel`]: what pet
//! owners do (`pet_owners`), what staff and Healthengine do (`staff`), how healthy the integration
//! looks (`health`), what was asked and what was asked wrongly (`record`).
//!
//! `state` holds everything that the server knows. Below it are the records that it consists of,
//! such as `bookings` and `published_day`; above it are the handlers of the API, which act on the
//! state of one practice (`visit`), and `model`, which locks it.
//!
//! # Promises
//! - As strict as the API's definition, the quick start and the suggested tests, or stricter.
//!   Everything a client does that they do not allow is kept in [`HealthengineModel::violations`];
//!   a test of a well-made client asserts that it is empty. What the best of clients can meet (401,
//!   403, 404 for an answer that was given before, no batch endpoint) is none.
//! - Deterministic: ids are counted, time is the [`Clock`](crate::clock::Clock)'s plus
//!   [`ModelSettings::skew`], nothing runs in the background but the delivery of webhooks, where a
//!   test wants it; the queue and the 20 seconds are worked out when somebody looks.
//! - What the API leaves open is decided by [`ModelSettings`], or is an assumption that the module
//!   concerned lists on its first page. None of them is a fact about the real server.
//! - Bodies are never kept or quoted. Webhooks are delivered by
//!   [`HealthengineModel::deliver_webhooks`]; without it they wait.

mod answers;
mod availability;
mod body;
mod bookings;
mod configuration;
mod deliveries;
mod delivery_queue;
mod documents;
mod door;
mod features;
mod health;
mod held_subscription;
mod http_courier;
mod links;
mod listed_configuration;
mod model;
mod offer;
mod pet_owners;
mod practitioners;
mod published_day;
mod record;
mod requests;
mod routes;
mod settings;
mod staff;
mod state;
mod subscriptions;
mod unknown;
mod visit;

pub use bookings::{MarketplaceStatus, PetOwner, RequestOutcome, Who};
pub use deliveries::{ANSWER_WITHIN, Courier, RESENT_AFTER};
pub use delivery_queue::{Delivered, DeliveryFailure};
pub use door::BASE_PATH;
pub use health::LivenessReport;
pub use held_subscription::HeldSubscription;
pub use http_courier::HttpCourier;
pub use listed_configuration::{ListedResource, ListedType};
pub use model::HealthengineModel;
pub use offer::OfferedStart;
pub use pet_owners::{MarketplaceBooking, NotOffered, Wish};
pub use practitioners::{OfferedKind, Practitioner};
pub use published_day::PublishedRange;
pub use record::{LoggedExchange, Violation};
pub use settings::{AbsentForm, BatchEndpoint, ErrorLog, LateReject, ModelSettings, Renewal, Repeated};
pub use staff::NewPractice;
pub use state::Lapse;
pub use unknown::Unknown;
