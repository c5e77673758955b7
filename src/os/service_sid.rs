//! The account of the Windows service: a virtual one, which Windows makes for each service. It has
//! no password and no rights but those of every user, and nobody else runs as it.
//!
//! Access lists name it by its number, because its name is known to Windows only while the service
//! is installed. The number follows from the name of the service, in the way that `sc showsid`
//! shows: SHA-1 of the name in capitals, as UTF-16, in five parts.

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// The service's name.
pub const SERVICE_NAME: &str = "vetbridge";
/// The account that it runs as.
pub const SERVICE_ACCOUNT: &str = r"NT SERVICE\vetbridge";

/// The number of a service's account, such as `S-1-5-80-…`.
pub fn of_service(name: &str) -> String {
    let capitals: Vec<u8> = name.to_ascii_uppercase().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &capitals);
    let (parts, _) = hash.as_ref().as_chunks::<4>();
    parts.iter().fold("S-1-5-80".to_owned(), |sid, part| format!("{sid}-{}", u32::from_le_bytes(*part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_known_service_is_the_one_that_windows_has() {
        // The owner of the files of Windows itself.
        let known = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
        assert_eq!(of_service("TrustedInstaller"), known);
        assert_eq!(of_service("trustedinstaller"), known, "whatever its case");
        assert_ne!(of_service(SERVICE_NAME), known);
    }
}
