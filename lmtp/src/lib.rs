//! LMTP server (RFC 2033) and delivery.
