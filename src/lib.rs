//! vetbridge: the bridge between OpenVPMS, the practice system on a veterinary clinic's own server,
//! and Healthengine, the Australian booking marketplace. A pet owner picks a time there; seconds
//! later the appointment stands in the clinic's diary, and nobody else gets that slot.
//!
//! # The picture
//! ```text
//!  OpenVPMS (clinic, over VPN)                                   Healthengine (cloud)
//!    locations, schedules,  ─read─▶ mapping ─▶ plan ─send─▶ liveness contract, resources,
//!    types, clinicians                  │                   appointment types
//!    free/busy              ─read─▶ availability ───send─▶ one snapshot per resource and day
//!    bookings              ◀─write─ booking machine ◀─poll─ bookings, cancellations
//!                                       │                   (webhooks say when)
//!                                     store: ledger of bookings, what was last sent
//! ```
//! Every arrow is a read, a pure decision, or a write. Decisions are functions of (state, what was
//! seen, now): no async, no I/O, no clock, no randomness. A thin shell around them reads, writes
//! and waits.
//!
//! # Reading order
//! A module uses those above it, and those to its left. The *core* decides: no async runtime, no
//! I/O, no clock, no randomness. The others read, write and wait around it. A test holds both
//! (`tests/architecture`).
//!
//! | read | to learn | part |
//! | --- | --- | --- |
//! | [`os::words`], [`os::ownership`] | how systems call things, and what is typed there; whose a file is | core |
//! | [`characters`], [`hex`], [`small_numbers`], [`ids`], [`span`], [`dates`], [`zone`] | the words everything else is said in | core |
//! | [`call_error`], [`http::json`] | what can come of asking a remote system; JSON as it is read | core |
//! | [`openvpms::api`], [`healthengine::api`], [`healthengine::paging`] | what the two systems can be asked, as traits | core |
//! | [`clock::measured`], [`store::unreadable`], [`supervisor::trouble`], [`bridge::off`] | what the shell found out, as values | core |
//! | [`mapping`], [`availability`] | what can be booked, and what of it Healthengine has to be told | core |
//! | [`pet_owner`] | the pet owner: contact fields, names, how clients are remembered | core |
//! | [`booking`] | **the booking state machine**: what to do next about a booking, whatever went wrong | core |
//! | [`webhooks`], [`polling`] | what webhooks and lists of requests mean, and how often is polled | core |
//! | [`publishing`] | which days are sent, in which calls, and what is sent again | core |
//! | [`alerts::concern`], [`alerts::due`], [`alerts::outbox`], [`alerts::heartbeat`], [`alerts::failure`] | who is told of what without asking, and when | core |
//! | [`messages`] | every sentence that an administrator reads | core |
//! | [`os`] | what differs between Unix and Windows: files, signals, the service manager | |
//! | [`clock`], [`random`], [`backoff`], [`said_lines`], [`supervisor`], [`clock_leaps`] | the only `now()`; choices from a seed; growing pauses, of calls and of the log; that loops live; that the clock may leap | |
//! | [`build_info`], [`metrics`] | what runs; what is counted and timed, and its text for Prometheus | |
//! | [`http`], [`openvpms`], [`healthengine`] | how exchanges are carried, with limits on everything; the two clients | |
//! | [`store`] | what survives a power cut | |
//! | [`config`] | what an administrator types into the file | |
//! | [`alerts`] | mails, posts and heartbeats that nobody asked for | |
//! | [`practice`] | one running practice: the components that read, write and wait | |
//! | [`bridge`], [`http_clients`] | practices side by side; the HTTP clients, made from settings | |
//! | [`without_store`], [`server`], [`service`] | what is left without a store; the admin page; the whole program | |
//! | [`findings`] | what is wrong with how a clinic is set up | |
//! | [`simulator`], [`demo`] | both systems as models, as strict as the real ones; the bridge between them | |
//! | [`rehearsal`] | the bridge between a clinic's own OpenVPMS and the model of Healthengine | |
//! | [`cli`] | what an administrator types | |
//!
//! # Glossary
//! | word | means |
//! | --- | --- |
//! | practice | one clinic's account at Healthengine, with its block of the configuration |
//! | location, schedule | a site, and a column of the diary, in OpenVPMS |
//! | clinician | a user of OpenVPMS who sees patients |
//! | resource | what Healthengine offers: a schedule, or a clinician on a schedule ([`ids::ResourceId`]) |
//! | appointment type | a kind of visit with its length; at Healthengine one per resource |
//! | booking | what a pet owner made at Healthengine; *appointment*: what stands for it in the diary |
//! | request | what Healthengine lists until it is answered: a booking, an update, a wanted day |
//! | offering | what a practice offers: as OpenVPMS was read, and as Healthengine accepted it |
//! | rule of the offer | what a practice keeps back of its free time ([`availability::rules`]) |
//! | snapshot | all times of one resource on one day, as they are sent |
//! | ledger | every booking as it is remembered; one of them is an *entry* ([`booking::entry`]) |
//! | state machine, executor | what decides about a booking ([`booking::machine`]); what carries it out |
//! | lost answer | a POST whose outcome nobody knows; settled by reading the slot |
//! | in doubt | an appointment stands in all likelihood, and nobody knows its reference |
//! | flag | what a person has to do about a booking |
//! | guard | holds a list back that OpenVPMS suddenly shortened ([`mapping::guard`]) |
//! | protected | a resource that the guard keeps at Healthengine |
//! | unacknowledged | sent, and the answer never came |
//! | put aside | a day that Healthengine does not take while it takes others |
//! | in step | Healthengine shows what the diary says |
//! | other bridge | a second vetbridge that serves the same practice |
//! | deactivation | what is done before a practice that is switched off is silent |
//! | leap | the machine's clock was set, or the machine slept |
//!
//! # Invariants
//! 1. **No appointment is made twice for one booking.** A POST to OpenVPMS cannot be repeated and
//!    cannot be asked about, so a lost answer is settled by reading the slot
//!    ([`booking::machine`]); the ledger knows of the POST before it leaves.
//! 2. **Nothing is confirmed that does not stand**, as far as anybody can know. What cannot be
//!    known is `in_doubt` and asks for a person, in a sentence.
//! 3. **A booking is durable before anything outside relies on it** ([`store`]: flushed and
//!    synced).
//! 4. **Nothing is offered that the booking machine would refuse**: both go through one judgement
//!    ([`availability`]).
//! 5. **Stale is better than wrong**: what could not be read is not sent, and a shrunken list waits
//!    for the guard ([`mapping::guard`]).
//! 6. **Ids that Healthengine was given never change meaning** ([`ids`]): staff link them by hand.
//! 7. **Nothing about a patient** stands in logs, error texts or, in the clear, in the store;
//!    `Debug` of everything that holds some hides it.
//! 8. **Everything that comes over the network is bounded**: bytes, pages, entries, time,
//!    connections, attempts.
//! 9. **Time comes from [`clock`] and tokio**, so a test owns both.

pub mod alerts;
pub mod availability;
pub mod backoff;
pub mod booking;
pub mod bridge;
pub mod build_info;
pub mod call_error;
pub mod characters;
pub mod cli;
pub mod clock;
pub mod clock_leaps;
pub mod config;
pub mod dates;
pub mod demo;
pub(crate) mod findings;
pub mod healthengine;
pub mod hex;
pub mod http;
pub mod http_clients;
pub mod ids;
pub mod mapping;
pub mod messages;
pub mod metrics;
pub mod openvpms;
pub mod os;
pub mod pet_owner;
pub mod polling;
pub mod practice;
pub mod publishing;
pub mod random;
pub mod rehearsal;
pub mod said_lines;
pub mod server;
pub mod service;
pub mod simulator;
pub(crate) mod small_numbers;
pub mod span;
pub mod store;
pub mod supervisor;
pub mod webhooks;
pub mod without_store;
pub mod zone;
