//! Requests: the kinds of work that Healthengine has outstanding, and the pages in which they are
//! listed.

use crate::characters::one_line;

/// What is outstanding, as `GET requests` names it. Names that this version does not know are kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    /// Bookings to insert.
    Bookings,
    /// Changes (cancellations) of bookings.
    BookingUpdates,
    /// Days whose availability is wanted.
    Availability,
    /// Bookings whose appointment's state is wanted.
    PmsAppointmentChanges,
    /// The resource snapshot is wanted.
    PmsResources,
    /// The appointment type snapshot is wanted.
    PmsAppointmentTypes,
    /// Documents of a booking that Healthengine wants to be sent; of an extra feature, and can be
    /// rejected.
    UploadDocuments,
    /// Documents of a patient that Healthengine wants to be filed; of an extra feature, and can be
    /// rejected.
    AttachDocuments,
    /// Belongs to an extra feature that OpenVPMS's booking API cannot serve, and cannot be
    /// rejected.
    ExtraFeature(String),
    /// Something later editions of the API invented.
    Unknown(String),
}

/// The longest unknown name that is kept.
const NAME_CHARS_MAX: usize = 60;

impl RequestKind {
    /// The kind that the API calls by this name.
    pub fn named(name: &str) -> Self {
        match name {
            "bookings" => Self::Bookings,
            "bookingUpdates" => Self::BookingUpdates,
            "availability" => Self::Availability,
            "pmsAppointmentChanges" => Self::PmsAppointmentChanges,
            "pmsResources" => Self::PmsResources,
            "pmsAppointmentTypes" => Self::PmsAppointmentTypes,
            "uploadDocuments" => Self::UploadDocuments,
            "attachDocuments" => Self::AttachDocuments,
            "availableDocuments" | "clientSnapshots" => Self::ExtraFeature(name.to_owned()),
            _ => Self::Unknown(one_line(name, NAME_CHARS_MAX)),
        }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries that could be read.
    pub items: Vec<T>,
    /// How many entries could not (no id in them).
    pub unreadable: usize,
    /// This page, from 1.
    pub current: u32,
    /// How many there are.
    pub total: u32,
    /// How many entries the whole list has, where that is said.
    pub entries: Option<u32>,
}
