//! Keeps a list that OpenVPMS suddenly shortened from being sent.
