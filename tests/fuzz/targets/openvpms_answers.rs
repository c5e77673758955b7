//! Whatever OpenVPMS answers, to every call.

#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use support::{Fixed, ready};
use vetbridge::ids::{AppointmentTypeId, BookingReference, LocationId, ScheduleId, UserId};
use vetbridge::openvpms::client::OpenVpmsClient;
use vetbridge::openvpms::{Contact, NewBooking, ReadOpenVpms, Window, WriteOpenVpms};

fuzz_target!(|data: &[u8]| {
    let Some(server) = Fixed::of(data) else { return };
    let client = OpenVpmsClient::new(server);
    let (from, to) = ("2019-02-15T00:00:00+11:00".parse().unwrap(), "2019-02-16T00:00:00+11:00".parse().unwrap());
    let window = Window { from, to, slots: data[1] & 2 == 2 };
    let (location, schedule, user) = (LocationId(98), ScheduleId(136), UserId(1158));
    let own = BookingReference("603:be08f3c6".into());
    ready(client.locations());
    ready(client.location(location));
    ready(client.schedules(location));
    ready(client.users(location));
    ready(client.schedule(schedule));
    ready(client.appointment_types(schedule));
    ready(client.schedule_free(schedule, window));
    ready(client.schedule_busy(schedule, window));
    ready(client.schedule_free_busy(schedule, window));
    ready(client.user(user));
    ready(client.user_locations(user));
    ready(client.user_free(user, location, window));
    ready(client.user_busy(user, location, window));
    ready(client.user_free_busy(user, location, window));
    ready(client.booking(&own));
    ready(client.cancel(&own));
    let booking = NewBooking {
        location,
        schedule,
        appointment_type: AppointmentTypeId(66),
        start: from,
        end: to,
        user: None,
        contact: Contact::default(),
        notes: String::new(),
    };
    if let Some(BookingReference(reference)) = ready(client.submit(&booking)) {
        assert!(!reference.is_empty() && reference.len() <= 300 && !reference.contains(char::is_control));
    }
});
